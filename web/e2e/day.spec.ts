// A dispatcher's day on the console, in the order it happens.

import { expect, test } from "./stage";

const rows = '[role="grid"] .grid-body [role="row"]';

test("a login link signs in and leaves no token in the address", async ({ console: page }) => {
  expect(page.url()).not.toContain("token");
  await expect(page.getByRole("link", { name: "Board" })).toHaveAttribute("aria-current", "page");
});

test("without a token the console says what to do", async ({ page, stage }) => {
  await page.goto(stage.base);
  await expect(page.getByText("You are signed out.")).toBeVisible();
  await page.getByLabel("Access token").fill("no-such-token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("You were signed out.")).toBeVisible();
});

test("loads appear on the board and change by themselves", async ({ console: page }) => {
  await expect(page.locator(rows).first()).toBeVisible({ timeout: 90_000 });
  const read = () => page.locator('[role="grid"]').innerText();
  const withoutClocks = (text: string) => text.replaceAll(/\d+ (min|s|h|d)\b|over|[!◔]/g, "");
  const before = withoutClocks(await read());
  await expect(async () => expect(withoutClocks(await read())).not.toBe(before)).toPass({ timeout: 90_000 });
});

test("the filter is the address", async ({ console: page }) => {
  await expect(page.locator(rows).first()).toBeVisible({ timeout: 90_000 });
  await page.getByLabel("Filter loads").fill("status:covered");
  await expect(page).toHaveURL(/status=covered/);
  await page.reload();
  await expect(page.getByLabel("Filter loads")).toHaveValue("status:covered");
  await page.getByRole("button", { name: /Covered/ }).click();
  await expect(page).not.toHaveURL(/status=/);
  await expect(page.getByLabel("Filter loads")).toHaveValue("");
});

test("the keyboard moves over the board and opens a load with its timeline", async ({ console: page }) => {
  await page.locator(rows).first().locator('[role="gridcell"]').nth(2).click();
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowRight");
  const focused = page.locator('[role="gridcell"]:focus');
  await expect(focused).toHaveAttribute("aria-colindex", "4");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/loads\//);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Load");
  const entries = page.locator(".timeline .entry-head");
  await expect(entries.first()).toBeVisible();
  await entries.first().click();
  await expect(page).toHaveURL(/entry=/);
  await page.reload();
  await expect(page.locator(".entry-open .entry-detail")).toBeVisible();
  await page.getByRole("button", { name: /Decisions/ }).click();
  await expect(page).toHaveURL(/kind=decision/);
});

test("A approves the card with the focus and the next one gets it", async ({ console: page }) => {
  await page.getByRole("link", { name: /Inbox/ }).click();
  const approvals = page.locator(".queue-entry", { hasText: "Approval" });
  await expect(approvals.first()).toBeVisible({ timeout: 120_000 });
  // One that may be decided with this role.
  const approve = page.getByRole("button", { name: /^Approve/ });
  await expect(async () => {
    for (let index = 0; index < (await approvals.count()); index++) {
      await approvals.nth(index).click();
      if (await approve.isVisible()) return;
    }
    throw new Error("no approval for this role yet");
  }).toPass({ timeout: 120_000 });
  const entry = page.locator('.queue-entry[aria-current="true"]');
  const reference = await entry.locator("strong").innerText();
  const answered = page.waitForResponse(
    (it) => it.url().includes("/decision") && it.request().method() === "POST",
  );
  await entry.focus();
  await page.keyboard.press("a");
  const response = await answered;
  expect(response.request().headers()["idempotency-key"]).toBeTruthy();
  expect(response.request().postDataJSON()).toMatchObject({
    decision: "approve",
    in_hand_ms: expect.any(Number),
  });
  await expect(page.getByTestId("announcer")).toContainText(reference);
  await expect(page.locator(".notices")).toContainText(reference);
  await expect(page.locator('.queue-entry[aria-current="true"] strong')).not.toHaveText(reference);
});
