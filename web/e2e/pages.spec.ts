// Every page in both themes: seen by axe, and kept as a picture.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "./stage";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function judge(page: Page, name: string): Promise<void> {
  for (const theme of ["light", "dark"] as const) {
    await page.getByLabel("Theme").selectOption(theme);
    await page.screenshot({ path: `test-results/${name}-${theme}.png` });
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    const found = violations.map(
      (it) =>
        `${it.id}: ${it.nodes
          .map((node) => node.html)
          .slice(0, 3)
          .join(" ")}`,
    );
    expect(found, `${name} in ${theme}`).toEqual([]);
  }
}

test("board", async ({ console: page }) => {
  await expect(page.locator('.grid-body [role="row"]').first()).toBeVisible({ timeout: 90_000 });
  await page.locator('.grid-body [role="gridcell"]').nth(12).click();
  await judge(page, "board");
});

test("board with a filter that matches nothing", async ({ console: page }) => {
  await page.getByLabel("Filter loads").fill("no such load anywhere");
  await expect(page.getByText("No load matches this filter")).toBeVisible({ timeout: 90_000 });
  await judge(page, "board-nothing");
});

test("inbox", async ({ console: page }) => {
  await page.getByRole("link", { name: /Inbox/ }).click();
  await expect(page.locator(".queue-entry").first()).toBeVisible({ timeout: 120_000 });
  await judge(page, "inbox");
  const approval = page.locator(".queue-entry", { hasText: "Approval" }).first();
  if (!(await approval.isVisible())) return;
  await approval.click();
  await judge(page, "inbox-approval");
  const edit = page.getByRole("button", { name: /^Edit rate/ });
  if (!(await edit.isVisible())) return;
  await approval.focus();
  await page.keyboard.press("e");
  await page.getByLabel(/^Rate in/).fill("3210.50");
  await expect(page.getByRole("button", { name: "Approve at $3,210.50" })).toBeVisible();
  await judge(page, "inbox-edit");
  await page.keyboard.press("Escape");
});

test("keys in the inbox", async ({ console: page }) => {
  await page.getByRole("link", { name: /Inbox/ }).click();
  await page.getByRole("button", { name: "Keys in the inbox" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.screenshot({ path: "test-results/inbox-keys.png" });
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  expect(violations.map((it) => it.id)).toEqual([]);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("load", async ({ console: page }) => {
  await page.locator(".reference").first().click({ timeout: 90_000 });
  await expect(page.locator(".timeline .entry-head").first()).toBeVisible();
  await page.locator(".timeline .entry-head").nth(1).click();
  await judge(page, "load");
});

test("quarantine", async ({ console: page }) => {
  await page.getByRole("link", { name: /Quarantine/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: /Quarantine/ })).toBeVisible();
  const message = page.locator(".queue-entry").first();
  if (await message.isVisible()) {
    await message.click();
    await expect(page.getByLabel(/The text as received/)).toBeVisible();
  }
  await judge(page, "quarantine");
});

test("audit", async ({ console: page }) => {
  await page.getByRole("link", { name: "Audit" }).click();
  await expect(page.getByTestId("tree-size")).toBeVisible();
  await judge(page, "audit");
});

test("signed out", async ({ page, stage }) => {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto(stage.base);
    await expect(page.getByText("You are signed out.")).toBeVisible();
    await page.screenshot({ path: `test-results/signed-out-${colorScheme}.png` });
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    expect(violations.map((it) => it.id)).toEqual([]);
  }
});
