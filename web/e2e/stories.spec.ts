// The demo's three stories, played from its own page as whoever tries Signalbox plays them.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, isReal, listen, type Stage, test, withServer } from "./stage";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Ten minutes of the world's time are twenty seconds of ours; the rest is for a busy machine. */
const PATIENCE_MS = 120_000;

async function judge(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `test-results/story-${name}.png`, fullPage: true });
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  expect(
    violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3)}`),
    name,
  ).toEqual([]);
}

/** Plays a story, goes to where it shows as the dispatcher, and answers the load's reference. */
async function play(page: Page, stage: Stage, story: string, reference: RegExp): Promise<string> {
  await page.goto(`${stage.base}/demo`);
  const told = page.locator(`article[data-story="${story}"] .told`);
  await expect(page.getByRole("button", { name: /, dispatcher$/ }).first()).toBeVisible();
  await page.locator(`article[data-story="${story}"] .do button`).click();
  await expect(told).toContainText(reference);
  const found = reference.exec(await told.innerText())?.[0] ?? "";
  await judge(page, story);
  await told.getByRole("button").click();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  expect(page.url()).not.toContain("token");
  return found;
}

test("the three stories of the demo, and a click to sign in", async ({ page }) => {
  test.skip(!isReal, "the stand-in tells no stories");
  test.setTimeout(600_000);
  await withServer({ HISTORY: "9h" }, async (stage) => {
    const complaints = listen(page, stage.base);
    await page.goto(`${stage.base}/demo`);
    await page
      .getByRole("button", { name: /, viewer$/ })
      .first()
      .click();
    await expect(page.getByText("Live", { exact: true })).toBeVisible();
    await expect(page.locator(".who")).toContainText("viewer");

    // Broken: the quarantine names what is wrong, a person mends it, the load is there.
    const broken = await play(page, stage, "broken", /ERP-\d+/);
    const message = page.getByRole("button", { name: /application\/json/ }).first();
    await message.click({ timeout: PATIENCE_MS });
    await expect(page.locator(".message .issues")).toContainText("/purpose");
    await judge(page, "broken-quarantine");
    const text = page.locator("textarea");
    await text.fill((await text.inputValue()).replace('"NEW"', '"original"'));
    await page.getByRole("button", { name: "Correct and reprocess" }).click();
    await page.goto(`${stage.base}/?text=${broken}`);
    await expect(page.locator(".grid-body")).toContainText(broken, { timeout: PATIENCE_MS });

    // Silent: nobody does anything, and the next carrier has the load.
    const silent = await play(page, stage, "silent", /QUIET-\d+/);
    const row = page.locator('.grid-body [role="row"]', { hasText: silent });
    await expect(row).toContainText("Covered", { timeout: PATIENCE_MS });
    await expect(row).toContainText("Prompt Freight");
    await judge(page, "silent-board");

    // Late: the drafted letter is approved with A, and has arrived.
    const late = await play(page, stage, "late", /48\d{6}/);
    const letter = page.locator(".queue-entry", { hasText: late }).filter({ hasText: "Tell " });
    await letter.first().click({ timeout: PATIENCE_MS });
    await judge(page, "late-inbox");
    await letter.first().focus();
    await page.keyboard.press("a");
    await expect(page.locator(".notices")).toContainText(late);
    await page.goto(`${stage.base}/demo`);
    await expect(page.locator("#letters")).toContainText(`Subject: Load ${late}`, { timeout: PATIENCE_MS });
    await judge(page, "late-letter");
    expect(complaints, "what the browser complained about").toEqual([]);
  });
});
