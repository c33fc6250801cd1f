// A manager stops the automation in the middle of a day; dispatchers work the manual queue off; it goes on.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, isReal, listen, signIn, test, withServer } from "./stage";

test.skip(!isReal, "the stand-in has no automation to stop");

async function switchTo(page: Page, mode: string, reason: string) {
  await page.getByRole("link", { name: "Automation", exact: true }).first().click();
  await page.getByRole("radio", { name: new RegExp(`^${mode}`) }).check();
  await page.getByLabel("Why").fill(reason);
  await page.getByRole("button", { name: "Switch", exact: true }).click();
  await expect(page.locator(".note-good", { hasText: /^Switched\./ })).toBeVisible();
}

async function nothingToComplainOf(page: Page) {
  const found = await new AxeBuilder({ page }).analyze();
  expect(found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(" ")}`)).toEqual(
    [],
  );
}

test("what automation was about to do waits for a person while it is stopped", async ({ browser }) => {
  test.setTimeout(240_000);
  await withServer({}, async (stage) => {
    const manager = await (await browser.newContext()).newPage();
    const complaints = listen(manager, stage.base);
    await signIn(manager, stage, "manager");
    await switchTo(manager, "Stopped", "the rates are wrong");
    await expect(manager.getByRole("status").filter({ hasText: "All automation is stopped" })).toBeVisible();
    await nothingToComplainOf(manager);

    const dispatcher = await (await browser.newContext()).newPage();
    await signIn(dispatcher, stage, "dispatcher");
    await expect(dispatcher.getByText("All automation is stopped")).toBeVisible();
    await dispatcher.getByRole("link", { name: "Automation", exact: true }).first().click();
    await expect(dispatcher.getByText("A manager or an administrator switches automation.")).toBeVisible();

    await dispatcher.getByRole("link", { name: /^Inbox/ }).click();
    const entry = dispatcher.locator(".queue-entry", { hasText: /Offer load/ }).first();
    await expect(entry).toBeVisible({ timeout: 120_000 });
    await entry.click();
    await expect(dispatcher.getByText("What automation was about to do")).toBeVisible();
    await nothingToComplainOf(dispatcher);
    await dispatcher.screenshot({ path: "test-results/automation-held.png" });
    await dispatcher.getByRole("link", { name: /^Load / }).click();
    await dispatcher.getByRole("button", { name: "Cover by hand" }).click();
    const scac = await dispatcher
      .locator(".load-facts")
      .getByText(/^[A-Z]{4}$/)
      .first()
      .innerText();
    await dispatcher.getByLabel("Carrier (SCAC)").fill(scac);
    await dispatcher.getByLabel(/Agreed rate/).fill("1500.00");
    await dispatcher.getByRole("button", { name: "Cover the load" }).click();
    await expect(dispatcher.locator(".load-title").getByText("Covered")).toBeVisible();
    await expect(dispatcher.getByText(/automation proposed/)).toBeVisible();
    await nothingToComplainOf(dispatcher);
    await dispatcher.screenshot({ path: "test-results/automation-by-hand.png" });

    await manager.getByRole("radio", { name: /^Automatic/ }).check();
    await manager.getByLabel("Why").fill("the rates are right again");
    await manager.getByRole("button", { name: /Show what would happen/ }).click();
    await expect(manager.locator(".note-good", { hasText: "nothing was changed" })).toBeVisible();
    await manager.screenshot({ path: "test-results/automation.png" });
    await nothingToComplainOf(manager);
    await manager.getByRole("button", { name: "Switch", exact: true }).click();
    await expect(manager.locator(".note-good", { hasText: /^Switched\./ })).toBeVisible();
    await expect(manager.getByText("All automation is stopped")).toBeHidden();
    expect(complaints).toEqual([]);
    await manager.close();
    await dispatcher.close();
  });
});
