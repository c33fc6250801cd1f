// A truck that will be late: its positions come in by the front door, and the console says so everywhere.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, isReal, listen, type Stage, signIn, test, withServer } from "./stage";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const HOUR_MS = 3_600_000;
const at = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();

async function judge(page: Page, name: string): Promise<void> {
  for (const theme of ["light", "dark"] as const) {
    await page.getByLabel("Theme").selectOption(theme);
    await page.screenshot({ path: `test-results/${name}-${theme}.png` });
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3)}`);
    expect(found, `${name} in ${theme}`).toEqual([]);
  }
}

type Answer = Record<string, unknown>;

async function ask(
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
  role: string;
  scac?: string | null;
}

/** Every carrier of the tenant, one after the other, for loads from Maine to Wisconsin. */
function guide(carriers: Partner[]): unknown {
  const column = (id: string) => ({ id, name: id, field: id });
  const rules = carriers.map((it, at) => ({
    _id: `rule-${at}`,
    lane: "'ME>WI'",
    carrier: `'${it.scac}'`,
    rank: String(at + 1),
    rate_minor: "187500",
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

/** Picked up yesterday in Maine, promised in Wisconsin in two hours, and covered by a dispatcher's word. */
async function cover(stage: Stage): Promise<string> {
  const { partners } = (await ask(stage, "admin", "/api/v1/partners")) as unknown as { partners: Partner[] };
  const carriers = partners.filter((it) => it.role === "carrier" && it.scac);
  await ask(stage, "admin", "/api/v1/tables/routing-guide", "PUT", guide(carriers));
  const order = {
    customer: partners.find((it) => it.role === "customer")?.id,
    reference: "LATE-48",
    stops: [
      {
        kind: "pickup",
        name: "Mill",
        city: "Bangor",
        region: "ME",
        country: "US",
        latitude: 44.8,
        longitude: -68.77,
        window: { earliest: at(-26), latest: at(-22) },
      },
      {
        kind: "delivery",
        name: "Lakeshore",
        city: "Lakeside",
        region: "WI",
        country: "US",
        window: { earliest: at(-4), latest: at(2) },
      },
    ],
  };
  const created = await ask(stage, "dispatcher", "/api/v1/orders", "POST", order);
  const load = (created.loads as string[])[0] ?? "";
  await expect(async () => {
    const detail = await ask(stage, "dispatcher", `/api/v1/loads/${load}`);
    const tender = detail.tender as { offers: { id: string; carrier: string; state: string }[] } | null;
    const open = tender?.offers.find((it) => it.state === "open");
    if (open)
      await ask(stage, "dispatcher", `/api/v1/offers/${open.id}/answer`, "POST", {
        answer: "accept",
        carrier: open.carrier,
      });
    expect((await ask(stage, "dispatcher", `/api/v1/loads/${load}`)).status).toBe("covered");
  }).toPass({ timeout: 60_000 });
  return load;
}

const positions = (stage: Stage, body: unknown) => ask(stage, "integrator", "/in/telematics", "POST", body);

/** The notice that the playbook drafted: read, put into other words, sent, and found on its load. */
async function tellTheCustomer(page: Page, stage: Stage, load: string): Promise<void> {
  await page.locator(".queue-entry", { hasText: "Tell" }).first().click();
  const letter = page.getByRole("region", { name: "What will be sent if you approve" });
  await expect(letter).toContainText("Load LATE-48: the delivery at Lakeside, WI will be late");
  await expect(letter).toContainText(/Promised:\s+\w{3} \d\d \w{3} \d{4}, \d\d:\d\d/);
  await expect(letter).toContainText(/Now expected:.*h \d\d min late/);
  await judge(page, "notice-card");

  await page.keyboard.press("e");
  const subject = page.getByLabel("Subject");
  await page.getByRole("textbox", { name: "Message" }).fill("It comes in the evening. Pat will call you.");
  await subject.fill(" ");
  await page.getByRole("button", { name: "Approve and send" }).click();
  await expect(page.getByText("A message needs a subject and words.")).toBeVisible();
  await judge(page, "notice-edit");
  await subject.fill("Your paper comes later");
  await page.getByRole("button", { name: "Approve and send" }).click();
  await expect(page.locator(".note", { hasText: "approved in your words" })).toBeVisible();

  await page.goto(`${stage.base}/loads/${load}`);
  await expect(page.getByText(/Sent: 250 taken; Message-ID <eff_/)).toBeVisible({ timeout: 60_000 });
  await page.locator(".entry-head", { hasText: "NoticeReleased" }).click();
  await expect(page.locator(".message-body")).toHaveText("It comes in the evening. Pat will call you.");
  await judge(page, "notice-load");
}

test("a late truck is seen on the board, in the inbox and on its load", async ({ page }) => {
  test.skip(!isReal, "the stand-in knows no trips");
  await withServer({ SCENARIO: "empty" }, async (stage) => {
    const complaints = listen(page, stage.base);
    const load = await cover(stage);
    await signIn(page, stage, "dispatcher");

    await page.getByRole("link", { name: "Vehicles" }).click();
    await expect(page.getByText("No vehicle has been heard of")).toBeVisible();

    await page.goto(`${stage.base}/loads/${load}`);
    await expect(page.getByText("No vehicle is assigned yet.")).toBeVisible();
    await expect(page.getByText("No position yet.")).toBeVisible();
    await judge(page, "trip-nothing");

    await page.getByRole("button", { name: "Assign a vehicle" }).click();
    const field = page.getByLabel("Vehicle, as its telematics source calls it");
    await page.getByRole("button", { name: "Assign", exact: true }).click();
    await expect(page.getByText("Write the vehicle's name or id")).toBeVisible();
    await page.route("**/api/v1/loads/*/vehicle", (route) =>
      route.fulfill({
        status: 409,
        contentType: "application/problem+json",
        body: JSON.stringify({ title: "Cancelled", status: 409, detail: "The load was cancelled." }),
      }),
    );
    await field.fill("48");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert").filter({ hasText: "The load was cancelled." })).toBeVisible();
    await judge(page, "trip-form");
    await page.unroute("**/api/v1/loads/*/vehicle");
    await page.getByRole("button", { name: "Assign", exact: true }).click();
    await expect(page.getByText("assigned by a person or system")).toBeVisible();
    await expect(page.getByText("nobody knows where this stop lies")).toBeVisible();

    await ask(stage, "integrator", "/api/v1/sites/lakeshore", "PUT", {
      name: "Lakeshore",
      city: "Lakeside",
      region: "WI",
      latitude_deg: 43.04,
      longitude_deg: -87.91,
      zone: "America/Chicago",
    });
    const seen = (vehicle: string, hours: number, latitude: number, longitude: number) => ({
      vehicle,
      at: at(hours),
      latitude,
      longitude,
      speed_kmh: 90,
    });
    await positions(stage, [seen("48", -0.5, 42.65, -73.75), seen("48", -0.1, 42.7, -74.2)]);
    // One without a load, and one of its positions too old to be taken.
    await positions(stage, [seen("50", -0.2, 41.9, -87.6), seen("50", -24 * 8, 41.9, -87.6)]);

    const delivery = page.locator(".stop-delivery");
    await expect(delivery.locator(".time-estimated")).toContainText(/C[SD]T ▲ \d+ h \d\d min late/);
    await expect(delivery.locator(".time-estimated")).toContainText("from a position of vehicle 48");
    await expect(delivery.locator(".time-actual")).toContainText("No arrival heard of.");
    await expect(page.getByText("42.7000° N, 74.2000° W")).toBeVisible({ timeout: 60_000 });
    await judge(page, "trip-late");

    await page.getByRole("link", { name: "Board" }).first().click();
    const cell = page.locator(".grid-body .cell-expected");
    await expect(cell).toContainText("Late");
    await expect(cell).toContainText("▲");
    await expect(cell.locator("time")).toBeVisible();
    await page.getByRole("button", { name: "Expected" }).click();
    await expect(page).toHaveURL(/sort=expected/);
    await judge(page, "trip-board");

    // On the map: the truck, the planned way and where it has been.
    const map = page.getByTestId("map");
    const drawn = (what: string) => async () => Number(await map.getAttribute(`data-${what}`));
    await page.getByRole("button", { name: "Map", exact: true }).click();
    await page.locator('.grid-body [role="gridcell"]').nth(2).click();
    await expect.poll(drawn("path"), { timeout: 90_000 }).toBeGreaterThan(0);
    expect(await drawn("drawn")()).toBeGreaterThan(0);
    await page.screenshot({ path: "test-results/trip-map.png" });
    await page.getByRole("button", { name: "Map", exact: true }).click();
    await expect(map).toBeHidden();

    await page.getByRole("link", { name: /Inbox/ }).click();
    await page.locator(".queue-entry", { hasText: "late" }).first().click();
    const evidence = page.locator(".late-evidence");
    for (const what of ["Promised by", "Expected at", "Late by", "How it was computed", "Way to go"])
      await expect(evidence.getByRole("rowheader", { name: what })).toBeVisible();
    await expect(evidence).toContainText("positions of vehicle 48");
    await expect(evidence).not.toContainText("{");
    await judge(page, "trip-inbox");
    await tellTheCustomer(page, stage, load);

    await page.getByRole("link", { name: "Vehicles" }).click();
    const rows = page.locator(".vehicles-table tbody tr");
    await expect(rows.filter({ hasText: "48" }).getByRole("link", { name: "LATE-48" })).toBeVisible();
    await expect(rows.filter({ hasText: "No load" })).toContainText("50");
    await expect(rows.filter({ hasText: "No load" })).toContainText(
      "1 position was not taken: more than a week old",
    );
    await judge(page, "trip-vehicles");
    await page.getByRole("button", { name: /Without a load/ }).click();
    await expect(page).toHaveURL(/show=unassigned/);
    await expect(rows).toHaveCount(1);
    expect(complaints, "what the browser complained about").toEqual([]);
  });
});
