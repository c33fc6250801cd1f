// The server under test: the real binary named by SIGNALBOX_BIN, or the stand-in of `npm run mock` without it.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test as base, type ConsoleMessage, expect, type Page } from "@playwright/test";

const READY_WITHIN_MS = 120_000;
const END_WITHIN_MS = 10_000;

export interface Stage {
  base: string;
  tenants: { id: string; name: string; tokens: Record<string, string> }[];
}

export const isReal = process.env.SIGNALBOX_BIN !== undefined;

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

function start(folder: string, port: number, settings: Record<string, string>): ChildProcess {
  const listen = ["--listen", `127.0.0.1:${port}`, "--credentials", join(folder, "credentials.json")];
  const stdio = ["ignore", "ignore", "inherit"] as const;
  const binary = process.env.SIGNALBOX_BIN;
  if (binary && !settings.MOCK) {
    const world = ["--scenario", settings.SCENARIO ?? "day", "--history", settings.HISTORY ?? "6h"];
    world.push("--seed", "7", "--for", "12h", "--speed", "30");
    return spawn(binary, ["demo", "--headless", ...listen, "--data-dir", join(folder, "data"), ...world], {
      stdio: [...stdio],
    });
  }
  const mock = fileURLToPath(new URL("../dev/mock.mjs", import.meta.url));
  return spawn(process.execPath, [mock, ...listen], {
    stdio: [...stdio],
    env: { ...process.env, ...settings },
  });
}

/** Runs a server of our own for as long as `use` takes, and ends that one only. */
export async function withServer(
  settings: Record<string, string>,
  use: (stage: Stage) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-e2e-"));
  const server = start(folder, await freePort(), settings);
  let ended: string | null = null;
  const ending = new Promise<void>((resolve) => {
    server.once("error", (error) => {
      ended = error.message;
      resolve();
    });
    server.once("exit", (code, signal) => {
      ended = `it ended with ${code ?? signal}`;
      resolve();
    });
  });
  try {
    await use(await ready(join(folder, "credentials.json"), () => ended));
  } finally {
    if (ended === null) server.kill("SIGTERM");
    const asked = await Promise.race([ending.then(() => true), wait(END_WITHIN_MS, false)]);
    if (!asked) server.kill("SIGKILL");
    await ending;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ready(file: string, ended: () => string | null): Promise<Stage> {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until) {
    const why = ended();
    if (why) throw new Error(`The server did not come up: ${why}.`);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (text.trimEnd().endsWith("}")) return JSON.parse(text) as Stage;
    await wait(100);
  }
  throw new Error(`The server was not ready within ${READY_WITHIN_MS / 1000} s.`);
}

export interface Signed {
  stage: Stage;
  /** A page signed in as a dispatcher, that fails the test when the browser complains or calls another host. */
  console: Page;
}

export const test = base.extend<Pick<Signed, "console">, Pick<Signed, "stage">>({
  stage: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names it needs from this pattern
    async ({}, use) => {
      await withServer({}, use);
    },
    { scope: "worker", timeout: READY_WITHIN_MS + END_WITHIN_MS },
  ],
  console: async ({ page, stage }, use) => {
    const complaints = listen(page, stage.base);
    await signIn(page, stage, "dispatcher");
    await use(page);
    expect(complaints, "what the browser complained about").toEqual([]);
  },
});

export async function signIn(page: Page, stage: Stage, role: string): Promise<void> {
  await page.goto(`${stage.base}/#token=${stage.tenants[0]?.tokens[role]}`);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
}

/** Collects errors, refused content and calls to other hosts. */
export function listen(page: Page, own: string): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message: ConsoleMessage) => {
    // A refused decision is a conflict on the wire and an answer on the screen.
    if (message.type() === "error" && !message.text().includes("409")) complaints.push(message.text());
  });
  page.on("request", (request) => {
    const address = request.url();
    if (!address.startsWith(own) && !address.startsWith("data:") && !address.startsWith("blob:"))
      complaints.push(`call to ${address}`);
  });
  return complaints;
}

export { expect };
