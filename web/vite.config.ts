import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.SIGNALBOX_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  plugins: [react()],
  build: {
    manifest: true,
    // Everything is a file of its own, so that a content security policy of `self` is enough.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": server } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
