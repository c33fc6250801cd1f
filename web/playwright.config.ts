import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  // What is timed is a measurement and no test: a machine half as fast would fail it. docs/benchmarks.md has the figures.
  testIgnore: process.env.SIGNALBOX_MEASURE ? [] : ["speed.spec.ts", "pixel.spec.ts"],
  outputDir: "test-results/runs",
  // One server, one world: the tests share it, in order.
  workers: 1,
  fullyParallel: false,
  // A busy build machine is slow, not wrong.
  timeout: 180_000,
  expect: { timeout: 45_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1440, height: 900 },
    locale: "en-US",
    timezoneId: "America/Chicago",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // The map is drawn by WebGL, here without a graphics card.
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--ignore-gpu-blocklist",
      ],
    },
  },
});
