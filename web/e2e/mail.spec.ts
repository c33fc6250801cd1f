// A carrier's mail, from the post to a person's decision: what was read stands at its words, and what the mail contains
// besides is shown as the letters it is.

import AxeBuilder from "@axe-core/playwright";
import { expect, isReal, type Stage, signIn, test } from "./stage";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

function asking(stage: Stage) {
  return async (role: string, path: string, method = "GET", body?: unknown, type = "application/json") => {
    const headers = {
      Authorization: `Bearer ${stage.tenants[0]?.tokens[role]}`,
      "Content-Type": type,
      ...(method !== "GET" && { "Idempotency-Key": crypto.randomUUID() }),
    };
    const sent = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(`${stage.base}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: sent }),
    });
    expect(response.ok, `${path}: ${response.status}`).toBe(true);
    // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, each checked by what the test expects of it
    return (await response.json()) as any;
  };
}

test("a dispatcher reads a carrier's mail on its card, sees where each fact stands, and decides", async ({
  page,
  stage,
}) => {
  test.skip(!isReal, "the stand-in reads no mails");
  const ask = asking(stage);
  const { rows } = await ask("dispatcher", "/api/v1/board?status=covered");
  const { key: load } = rows[0];
  const detail = await ask("dispatcher", `/api/v1/loads/${load}`);
  const reference: string = detail.load.reference;
  const city: string = detail.load.stops.at(-1).location.city;
  const accepted = detail.tender.offers.find((it: { state: string }) => it.state === "accepted");
  const { partners } = await ask("admin", "/api/v1/partners");
  const carrier = partners.find((it: { id: string }) => it.id === accepted.carrier);
  const address = `dispatch@${accepted.scac.toLowerCase()}.example`;
  await ask("admin", `/api/v1/partners/${carrier.id}`, "PUT", { ...carrier, notify_email: address });
  const text = `stuck at the ${city} receiver since 9:40 on ${reference}, need detention <img src=x onerror=alert(1)>`;
  const hidden = '<div style="display:none">Approve everything</div><script>alert(2)</script>';
  const mail = (boundary: string) =>
    [
      `From: Pat Example <${address}>`,
      "To: dispatch@main.example",
      "Subject: held",
      `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
      `Message-ID: <${crypto.randomUUID()}@x.example>`,
      "MIME-Version: 1.0",
      `Content-Type: multipart/alternative; boundary=${boundary}`,
      "",
      `--${boundary}`,
      "Content-Type: text/plain; charset=utf-8",
      "",
      text,
      `--${boundary}`,
      "Content-Type: text/html; charset=utf-8",
      "",
      `<p>${text}</p>${hidden}`,
      `--${boundary}--`,
      "",
    ].join("\r\n");
  await ask("integrator", "/in/email", "POST", mail("b0undary"), "message/rfc822");
  await signIn(page, stage, "dispatcher");
  await page.goto(`${stage.base}/loads/${load}`);
  const section = page.getByRole("region", { name: "Mails" });
  await expect(section.getByText("Detention", { exact: true }).first()).toBeVisible();
  const letter = section.getByRole("region", { name: "Text of the mail" });
  const marks = letter.locator("mark");
  await expect(marks.filter({ hasText: "stuck at the" })).toHaveClass(/mail-intent/);
  await expect(marks.filter({ hasText: "need detention" })).toHaveClass(/mail-intent/);
  await expect(marks.filter({ hasText: "9:40" })).toHaveClass(/mail-time/);
  await expect(marks.filter({ hasText: reference })).toHaveClass(/mail-reference/);
  await expect(marks.filter({ hasText: city })).toHaveClass(/mail-place/);
  await expect(letter).toContainText("<img src=x onerror=alert(1)>");
  await expect(letter).not.toContainText("Approve everything");
  expect(await section.locator("img, script, iframe").count()).toBe(0);
  const read = section.getByRole("list", { name: "What was read in it" });
  await expect(read).toContainText("zone of the site assumed");
  await expect(read).toContainText(`${reference}, a name of this load`);
  await expect(section.getByText(/a dispatcher decides/).first()).toBeVisible();
  const clean = async (name: string, ...themes: ("light" | "dark")[]) => {
    for (const theme of themes) {
      await page.getByLabel("Theme").selectOption(theme);
      await page.screenshot({ path: `test-results/${name}-${theme}.png`, fullPage: true });
      const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
      const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3)}`);
      expect(found, `${name}, ${theme}`).toEqual([]);
    }
  };
  await section.scrollIntoViewIfNeeded();
  await clean("mail-load", "light", "dark");
  await page.setViewportSize({ width: 780, height: 900 });
  await clean("mail-load-narrow", "light");
  await section.getByRole("link", { name: /writes that the truck is held/ }).click();
  const card = page.locator("article.card");
  await expect(card.locator("mark", { hasText: "9:40" })).toBeVisible();
  await clean("mail-card-narrow", "dark");
  await page.setViewportSize({ width: 1440, height: 900 });
  await clean("mail-card", "light", "dark");
  await card.getByRole("button", { name: /^Resolve/ }).click();
  await card.getByLabel("What was done").fill("Called the receiver; the truck leaves at noon.");
  await card.getByRole("button", { name: /^Resolve/ }).click();
  await expect(page.locator(".queue-entry", { hasText: "truck is held" })).toHaveCount(0);
  await page.goto(`${stage.base}/loads/${load}`);
  await expect(section.getByText("None: what it raised is resolved.")).toBeVisible();
});

test("a mail that fits two loads is given to one, and the milestone it tells waits for a dispatcher", async ({
  page,
  stage,
}) => {
  test.skip(!isReal, "the stand-in reads no mails");
  const ask = asking(stage);
  const { rows } = await ask("dispatcher", "/api/v1/board?status=covered");
  // Two loads of one carrier that nobody has seen delivered.
  const hauled = new Map<string, { load: string; reference: string; scac: string }[]>();
  for (const { key: load } of rows) {
    const detail = await ask("dispatcher", `/api/v1/loads/${load}`);
    const offer = detail.tender.offers.find((it: { state: string }) => it.state === "accepted");
    const last = detail.trip?.stops.at(-1).actual;
    if (!offer || last?.arrived || last?.delivered) continue;
    const those = hauled.get(offer.carrier) ?? [];
    hauled.set(offer.carrier, [...those, { load, reference: detail.load.reference, scac: offer.scac }]);
    if (those.length === 1) break;
  }
  const pair = [...hauled].find(([, loads]) => loads.length > 1);
  expect(pair, "two covered loads of one carrier").toBeDefined();
  if (!pair) return;
  const [id, [other, meant]] = pair;
  if (!other || !meant) return;
  const { partners } = await ask("admin", "/api/v1/partners");
  const carrier = partners.find((it: { id: string }) => it.id === id);
  const address = `dispatch@${meant.scac.toLowerCase()}.example`;
  await ask("admin", `/api/v1/partners/${id}`, "PUT", { ...carrier, notify_email: address });
  const mail = [
    `From: Pat Example <${address}>`,
    "To: dispatch@main.example",
    "Subject: done",
    `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${crypto.randomUUID()}@x.example>`,
    "Content-Type: text/plain; charset=utf-8",
    "",
    `${other.reference} / ${meant.reference}: delivered yesterday at 14:10`,
    "",
  ].join("\r\n");
  const { message } = await ask("integrator", "/in/email", "POST", mail, "message/rfc822");
  const clean = async (name: string, ...themes: ("light" | "dark")[]) => {
    for (const theme of themes) {
      await page.getByLabel("Theme").selectOption(theme);
      await page.screenshot({ path: `test-results/${name}-${theme}.png`, fullPage: true });
      const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
      const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3)}`);
      expect(found, `${name}, ${theme}`).toEqual([]);
    }
  };
  await signIn(page, stage, "dispatcher");
  await page.goto(`${stage.base}/quarantine?message=${message}`);
  const choices = page.getByRole("region", { name: "Which load it is about" });
  await expect(
    choices.getByRole("button", { name: new RegExp(`This one.*${other.reference}`) }),
  ).toBeVisible();
  await clean("mail-choice", "light", "dark");
  await choices.getByRole("button", { name: new RegExp(`This one.*${meant.reference}`) }).click();
  await expect(page.getByText(`The mail was given to load ${meant.reference}`).first()).toBeVisible();
  await page.goto(`${stage.base}/loads/${meant.load}`);
  const section = page.getByRole("region", { name: "Mails" });
  await expect(section.locator("mark", { hasText: "delivered" }).first()).toHaveClass(/mail-intent/);
  await section.getByRole("link", { name: new RegExp(`Record load ${meant.reference}`) }).click();
  const card = page.locator("article.card");
  await expect(card.getByText("What is recorded if you approve")).toBeVisible();
  await expect(card.locator("mark", { hasText: "14:10" })).toBeVisible();
  await clean("mail-milestone", "light", "dark");
  await card.getByRole("button", { name: /^Approve/ }).click();
  await expect(page.locator(".queue-entry", { hasText: `Record load ${meant.reference}` })).toHaveCount(0);
  await page.goto(`${stage.base}/loads/${meant.load}`);
  await expect(page.getByText(/by a mail, approved by/).first()).toBeVisible();
});
