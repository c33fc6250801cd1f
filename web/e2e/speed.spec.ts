// Ten thousand loads, a hundred changes a second: the board stays smooth. Runs on the stand-in, which can be that busy.

import { type Browser, expect, type Page, test } from "@playwright/test";
import { signIn, withServer } from "./stage";

const FRAME_MS = 50;
const WATCHED_MS = 10_000;

// The trace of the test would itself be the longest task on the page.
test.use({ trace: "off" });

test("no task over 50 ms with 10,000 loads and 100 changes a second", async ({ page, browser }) => {
  await withServer({ MOCK: "1", LOADS: "10000", RATE: "100" }, async (stage) => {
    await signIn(page, stage, "dispatcher");
    const rows = page.locator('.grid-body [role="row"]');
    await expect(rows.first()).toBeVisible();
    expect(await rows.count()).toBeLessThan(80);
    await page.waitForTimeout(2_000);
    await rows.nth(3).locator('[role="gridcell"]').nth(2).click();
    const tasks = await watch(browser, page, async () => {
      const until = Date.now() + WATCHED_MS;
      while (Date.now() < until) {
        for (const key of ["j", "PageDown", "ArrowRight", "k"]) await page.keyboard.press(key);
        await page.mouse.wheel(0, 700);
        await page.waitForTimeout(100);
      }
    });
    const changes = await page.locator(".updates").innerText();
    const longest = tasks.slice(0, 5).map((it) => `${it.cpu.toFixed(1)} (${it.wall.toFixed(1)})`);
    console.log(
      `longest of ${tasks.length} tasks, ms of processor (and wall): ${longest.join(", ")}; ${changes}`,
    );
    expect(tasks.length).toBeGreaterThan(100);
    expect(tasks[0]?.cpu).toBeLessThan(FRAME_MS);
  });
});

interface Task {
  cpu: number;
  wall: number;
}

/**
 * The main thread's tasks while `act` runs, longest first. Judged by processor time: on a machine that builds other
 * things at the same time, wall time says more about the machine.
 */
async function watch(browser: Browser, page: Page, act: () => Promise<void>): Promise<Task[]> {
  await browser.startTracing(page, { categories: ["toplevel", "__metadata"] });
  await act();
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const main = new Set(
    trace.traceEvents
      .filter((it) => it.name === "thread_name" && it.args?.name === "CrRendererMain")
      .map((it) => `${it.pid} ${it.tid}`),
  );
  return trace.traceEvents
    .filter((it) => it.tdur !== undefined && it.dur !== undefined && main.has(`${it.pid} ${it.tid}`))
    .map((it) => ({ cpu: (it.tdur ?? 0) / 1000, wall: (it.dur ?? 0) / 1000 }))
    .sort((a, b) => b.cpu - a.cpu);
}

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** Microseconds of wall time, and of the thread's processor time. */
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}
