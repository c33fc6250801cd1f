// An urgent load whose only truck is on offer to another: what it would displace is on its card, a dispatcher approves
// with the keyboard, and both loads tell what became of the truck.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, isReal, listen, type Stage, signIn, test, withServer } from "./stage";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WIDTHS = { wide: { width: 1440, height: 900 }, narrow: { width: 780, height: 900 } };
const HOUR_MS = 3_600_000;
const at = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();

/** Both widths, light and dark: a picture of each, and nothing for axe to complain of. */
async function judge(page: Page, name: string): Promise<void> {
  for (const [width, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size);
    for (const theme of ["light", "dark"] as const) {
      await page.getByLabel("Theme").selectOption(theme);
      await page.screenshot({ path: `test-results/${name}-${width}-${theme}.png`, fullPage: true });
      const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
      const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3)}`);
      expect(found, `${name}, ${width}, ${theme}`).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${name}, ${width}: nothing stands beside the screen`).toBeLessThanOrEqual(0);
    }
  }
  await page.setViewportSize(WIDTHS.wide);
}

async function ask<Answer>(
  stage: Stage,
  role: string,
  path: string,
  method = "GET",
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`${stage.base}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${stage.tenants[0]?.tokens[role]}`,
      "Content-Type": "application/json",
      ...(method !== "GET" && { "Idempotency-Key": crypto.randomUUID() }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  expect(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`).toBe(true);
  return (await response.json()) as Answer;
}

interface Partner {
  id: string;
  name: string;
  role: string;
  scac: string;
  channel: { channel: string };
}

/** Two carriers, one after the other, for loads from Maine to Wisconsin. */
function guide(carriers: Partner[]): unknown {
  const column = (id: string) => ({ id, name: id, field: id });
  const rules = carriers.map((it, at) => ({
    _id: `rule-${at}`,
    lane: "'ME>WI'",
    carrier: `'${it.scac}'`,
    rank: String(at + 1),
    rate_minor: String(187_500 + at * 5_000),
  }));
  const content = {
    hitPolicy: "collect",
    inputs: [column("lane")],
    outputs: [column("carrier"), column("rank"), column("rate_minor")],
    rules,
  };
  return {
    nodes: [
      { id: "in", type: "inputNode", name: "in" },
      { id: "guide", type: "decisionTableNode", name: "guide", content },
      { id: "out", type: "outputNode", name: "out" },
    ],
    edges: [],
  };
}

async function order(stage: Stage, customer: Partner, reference: string, priority?: "high"): Promise<string> {
  const created = await ask<{ loads: string[] }>(stage, "dispatcher", "/api/v1/orders", "POST", {
    customer: customer.id,
    reference,
    ...(priority && { priority }),
    goods: [{ description: "Rolled paper", pieces: 24 }],
    stops: [
      {
        kind: "pickup",
        name: "Mill",
        city: "Bangor",
        region: "ME",
        country: "US",
        window: { earliest: at(30), latest: at(34) },
      },
      {
        kind: "delivery",
        name: "Print",
        city: "Milwaukee",
        region: "WI",
        country: "US",
        window: { earliest: at(90), latest: at(98) },
      },
    ],
  });
  return created.loads[0] ?? "";
}

interface Detail {
  tender: { offers: { id: string; carrier: string; state: string }[] } | null;
}

/** Waits until the load has an open offer to the carrier. */
async function offered(stage: Stage, load: string, carrier: Partner): Promise<void> {
  await expect(async () => {
    const { tender } = await ask<Detail>(stage, "dispatcher", `/api/v1/loads/${load}`);
    const open = tender?.offers.filter((it) => it.state === "open").map((it) => it.carrier);
    expect(open).toEqual([carrier.id]);
  }).toPass();
}

test("an urgent load shows what it would displace, and a dispatcher lets it with a key", async ({ page }) => {
  test.skip(!isReal, "the stand-in has no free capacity");
  await withServer({ SCENARIO: "empty" }, async (stage) => {
    const complaints = listen(page, stage.base);
    const { partners } = await ask<{ partners: Partner[] }>(stage, "admin", "/api/v1/partners");
    const [first, second] = partners.filter((it) => it.channel?.channel === "x12_folder");
    const customer = partners.find((it) => it.role === "customer");
    if (!first || !second || !customer) throw new Error("the empty world has too few partners");
    await ask(stage, "admin", "/api/v1/tables/routing-guide", "PUT", guide([first, second]));
    const truck = { trucks: 1, equipment: "van", city: "Augusta", region: "ME", until: at(96) };
    await ask(stage, "dispatcher", `/api/v1/partners/${first.id}/capacity`, "PUT", truck);
    const far = { ...truck, city: "Dallas", region: "TX" };
    await ask(stage, "dispatcher", `/api/v1/partners/${second.id}/capacity`, "PUT", far);

    const waits = await order(stage, customer, "CAN-WAIT-1");
    await offered(stage, waits, first);
    const urgent = await order(stage, customer, "URGENT-1", "high");

    await signIn(page, stage, "dispatcher");
    await page.getByRole("link", { name: /^Inbox/ }).click();
    const entry = page.locator(".queue-entry", { hasText: "URGENT-1" });
    await entry.click();
    const card = page.locator("article.card");
    await expect(card.getByRole("heading", { name: "What happens if you approve" })).toBeVisible();
    await expect(card).toContainText(`CAN-WAIT-1 of ${customer.name} gives its truck to load URGENT-1`);
    await expect(card).toContainText(`If ${first.scac} accepts before that, it keeps the truck.`);
    await expect(card).toContainText(second.scac);
    await expect(card).toContainText(/more than 400 km/);
    await judge(page, "displacement-card");

    await page.goto(`${stage.base}/loads/${urgent}`);
    const capacity = page.getByRole("region", { name: "Free capacity" });
    await expect(capacity).toContainText("No truck is free.");
    await expect(capacity).toContainText("a person may approve taking it");
    await judge(page, "displacement-asked");

    await page.getByRole("link", { name: /^Inbox/ }).click();
    await entry.click();
    await entry.focus();
    await page.keyboard.press("a");
    await expect(entry).toHaveCount(0);
    await offered(stage, urgent, first);
    await offered(stage, waits, second);

    await page.goto(`${stage.base}/loads/${urgent}`);
    await expect(capacity).toContainText(
      `A truck of ${first.scac} was held for this load, in the place of load CAN-WAIT-1.`,
    );
    await expect(capacity.getByRole("row", { name: new RegExp(first.scac) })).toContainText("held");
    const asked = page.locator(".timeline li", { hasText: "AskCapacity" });
    await expect(asked).toHaveCount(2);
    await expect(asked.filter({ hasText: "pending" })).toHaveCount(0);
    await judge(page, "displacement-held");

    await page.goto(`${stage.base}/loads/${waits}`);
    await expect(capacity).toContainText("Its truck went to expedited load URGENT-1");
    await expect(capacity).toContainText("It goes on with its next carrier.");
    await judge(page, "displacement-gave-way");
    expect(complaints, "what the browser complained about").toEqual([]);
  });
});
