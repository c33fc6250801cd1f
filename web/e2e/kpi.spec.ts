// Key figures: a press shows the loads behind one, and only those.

import AxeBuilder from "@axe-core/playwright";
import { expect, isReal, test } from "./stage";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

test("a figure leads to its loads, and says how it is counted", async ({ console: page }) => {
  test.skip(!isReal, "the stand-in counts nothing");
  const tile = page.locator('[data-kpi="first_tender_acceptance"]');
  await expect(tile.locator(".kpi-under")).toContainText(" of ", { timeout: 120_000 });
  await tile.locator(".kpi-face").click();
  await expect(page).toHaveURL(/kpi=first_tender_acceptance&part=counted&from=.+&to=/);
  const chosen = page.locator('.drill-bar [aria-pressed="true"] .number');
  await expect(chosen).toBeVisible();
  const counted = Number((await chosen.innerText()).replaceAll(",", ""));
  expect(counted).toBeGreaterThan(0);
  await expect(page.getByTestId("shown")).toHaveText(new RegExp(`^${counted.toLocaleString("en-US")} of`));
  // The two lists of what was counted add up to it.
  let sum = 0;
  for (const part of ["Accepted", "Not accepted"]) {
    await page.locator(".drill-parts").getByRole("button", { name: part }).first().click();
    await expect(chosen).toBeVisible();
    sum += Number((await chosen.innerText()).replaceAll(",", ""));
  }
  expect(sum).toBe(counted);
  for (const theme of ["light", "dark"] as const) {
    await page.getByLabel("Theme").selectOption(theme);
    await page.screenshot({ path: `test-results/kpi-${theme}.png` });
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    expect(
      violations.map((it) => `${it.id}: ${it.nodes[0]?.html}`),
      theme,
    ).toEqual([]);
  }
  // By keys alone: how it is counted, and back.
  const why = page.getByRole("button", { name: "How First tender accepted is counted" });
  await why.focus();
  await page.keyboard.press("Enter");
  const explained = page.getByRole("dialog", { name: "First tender accepted" });
  await expect(explained).toContainText("divided by");
  await page.screenshot({ path: "test-results/kpi-why.png" });
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  expect(violations.map((it) => it.id)).toEqual([]);
  await page.keyboard.press("Escape");
  await expect(explained).toBeHidden();
  await page.getByRole("button", { name: "All loads" }).click();
  await expect(page).not.toHaveURL(/kpi=/);
});
