// The map: it draws, it and the list choose for each other, and without a graphics card the list is enough.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, listen, type Stage, signIn, test, withServer } from "./stage";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Software draws the map here, on a machine that builds other things at the same time. */
const DRAWN_WITHIN_MS = 90_000;

const drawn = (page: Page, what: "drawn" | "path") => async () =>
  Number(await page.getByTestId("map").getAttribute(`data-${what}`));

async function open(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Map", exact: true }).click();
  await expect.poll(drawn(page, "drawn"), { timeout: DRAWN_WITHIN_MS }).toBeGreaterThan(0);
}

/** How many of the map's pixels are not of its commonest colour. */
async function colours(page: Page): Promise<number> {
  const picture = (await page.getByTestId("map").screenshot()).toString("base64");
  return page.evaluate(async (encoded) => {
    const image = new Image();
    image.src = `data:image/png;base64,${encoded}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    const pen = canvas.getContext("2d");
    pen?.drawImage(image, 0, 0);
    const pixels = new Uint32Array(pen?.getImageData(0, 0, image.width, image.height).data.buffer ?? []);
    const counts = new Map<number, number>();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    return 1 - Math.max(...counts.values()) / pixels.length;
  }, picture);
}

async function withMock(page: Page, use: (stage: Stage) => Promise<void>): Promise<void> {
  await withServer({ MOCK: "1", LOADS: "160", RATE: "10", TRUCKS: "60" }, async (stage) => {
    const complaints = listen(page, stage.base);
    await signIn(page, stage, "dispatcher");
    await use(stage);
    expect(complaints, "what the browser complained about").toEqual([]);
  });
}

test("the map draws, and the list and the map choose for each other", async ({ page }) => {
  await withMock(page, async () => {
    await open(page);
    expect(await colours(page)).toBeGreaterThan(0.2);
    // From the list to the map.
    const late = page.locator('.grid-body [role="row"]:has(.cell-expected time)').first();
    await page.getByLabel("Filter loads").fill("status:covered");
    await late.locator('[role="gridcell"]').nth(2).click();
    await expect.poll(drawn(page, "path"), { timeout: DRAWN_WITHIN_MS }).toBeGreaterThan(1);
    await expect(page).toHaveURL(/map=open.*load=load_/);
    for (const theme of ["light", "dark"] as const) {
      await page.getByLabel("Theme").selectOption(theme);
      await page.waitForTimeout(500);
      await expect.poll(drawn(page, "path"), { timeout: DRAWN_WITHIN_MS }).toBeGreaterThan(1);
      await page.screenshot({ path: `test-results/map-${theme}.png` });
      const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
      expect(
        violations.map((it) => `${it.id}: ${it.nodes[0]?.html}`),
        theme,
      ).toEqual([]);
    }
    // From the map to the list.
    const hauling = (await page.getByTestId("map").getAttribute("data-hauling")) ?? "";
    const [x, y] = hauling.split(" ");
    await page.getByTestId("map").click({ position: { x: Number(x), y: Number(y) } });
    await expect(page.locator('.grid-body [role="row"].active .cell-expected time')).toBeVisible();
    const url = new URL(page.url());
    const reference = await page.locator('.grid-body [role="row"].active .reference').getAttribute("href");
    expect(reference).toBe(`/loads/${url.searchParams.get("load")}`);
    // The bar between them is moved by keys as well.
    const bar = page.getByRole("separator", { name: "Width of the map" });
    const before = Number(await bar.getAttribute("aria-valuenow"));
    await bar.focus();
    await page.keyboard.press("ArrowRight");
    await expect(bar).toHaveAttribute("aria-valuenow", String(before + 5));
    // An address opened anew shows the same.
    await page.reload();
    await expect.poll(drawn(page, "path"), { timeout: DRAWN_WITHIN_MS }).toBeGreaterThan(1);
  });
});

test("without WebGL the map says so and the list stays", async ({ page }) => {
  await page.addInitScript(() => {
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (
      this: HTMLCanvasElement,
      kind: string,
      ...rest: unknown[]
    ) {
      return kind.startsWith("webgl")
        ? null
        : (get as (...all: unknown[]) => unknown).call(this, kind, ...rest);
    } as typeof get;
  });
  await withMock(page, async () => {
    await page.getByRole("button", { name: "Map", exact: true }).click();
    await expect(page.getByText("The map cannot be drawn here.")).toBeVisible();
    await expect(page.locator('.grid-body [role="row"]').first()).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    expect(violations.map((it) => it.id)).toEqual([]);
  });
});

test("four thousand vehicles are put on the map within a bound", async ({ page }) => {
  await withServer({ MOCK: "1", LOADS: "10000", RATE: "100", TRUCKS: "4000" }, async (stage) => {
    await signIn(page, stage, "dispatcher");
    await open(page);
    await page.waitForTimeout(10_000);
    const draws = await page.evaluate(() =>
      performance
        .getEntriesByName("map-vehicles")
        .map((it) => it.duration)
        .sort((a, b) => a - b),
    );
    const median = draws[Math.floor(draws.length / 2)] ?? 0;
    console.log(
      `4,000 vehicles put on the map ${draws.length} times, median ${median.toFixed(1)} ms, longest ${draws.at(-1)?.toFixed(1)} ms`,
    );
    expect(draws.length).toBeGreaterThan(2);
    expect(draws.length).toBeLessThan(40);
    expect(median).toBeLessThan(250);
  });
});
