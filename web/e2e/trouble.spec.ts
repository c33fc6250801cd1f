// What a person sees when something is in the way.

import { expect, signIn, test } from "./stage";

test("a decision that somebody else took first says who and why", async ({ console: page }) => {
  const detail = "Morgan Lee (manager) rejected this 20 s ago: rate too high.";
  await page.route("**/api/v1/approvals/*/decision", (route) =>
    route.fulfill({
      status: 409,
      contentType: "application/problem+json",
      body: JSON.stringify({
        title: "Already decided",
        status: 409,
        code: "approval_already_decided",
        detail,
      }),
    }),
  );
  await page.getByRole("link", { name: /Inbox/ }).click();
  const reject = page.getByRole("button", { name: /^Reject/ });
  await expect(async () => {
    const approvals = page.locator(".queue-entry", { hasText: "Approval" });
    for (let index = 0; index < (await approvals.count()); index++) {
      await approvals.nth(index).click();
      if (await reject.isVisible()) return;
    }
    throw new Error("no approval for this role yet");
  }).toPass({ timeout: 120_000 });
  const entry = page.locator('.queue-entry[aria-current="true"]');
  const reference = await entry.locator("strong").innerText();
  await entry.focus();
  await page.keyboard.press("x");
  await page.getByLabel("Reason").selectOption("timing");
  await page.getByLabel(/In your words/).fill("dock closed, a.e.x");
  await page.keyboard.press("Enter");
  await expect(page.locator(".notices")).toContainText(detail);
  // A late load's exception may wait beside the letter about it.
  const approvals = page.locator(".queue-entry", { hasText: "Approval" });
  await expect(approvals.filter({ hasText: reference })).toHaveCount(0);
  await expect(page.locator(".queue-entry:focus")).toHaveAttribute("aria-current", "true");
});

test("a silent server is noticed within seconds, and the rows stay", async ({ page, stage }) => {
  await signIn(page, stage, "dispatcher");
  await expect(page.locator('.grid-body [role="row"]').first()).toBeVisible({ timeout: 90_000 });
  await page.route("**/api/v1/live**", (route) => route.abort());
  await page.reload();
  await expect(page.getByText("What you see may be old.")).toBeVisible();
  await expect(page.locator('.grid-body [role="row"]').first()).toBeVisible();
  await page.screenshot({ path: "test-results/stale.png" });
  await page.unroute("**/api/v1/live**");
  await page.getByRole("button", { name: "Reconnect now" }).click();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await expect(page.getByText("What you see may be old.")).toBeHidden();
});

test("a load that does not exist says so", async ({ page, stage }) => {
  await signIn(page, stage, "dispatcher");
  await page.goto(`${stage.base}/loads/load_none`);
  await expect(page.getByText("There is no such load")).toBeVisible();
});

test("a token that is refused leads back to the sign-in, saying why", async ({ page, stage }) => {
  await page.goto(`${stage.base}/#token=made-up`);
  await expect(page.getByText("The server no longer accepts this token.")).toBeVisible();
});
