// A proof of delivery, attached by a dispatcher: refused where it is none, taken where it is one, and the page says what
// the invoice still lacks.

import AxeBuilder from "@axe-core/playwright";
import { expect, isReal, signIn, test } from "./stage";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

test("a dispatcher attaches a proof, is told what is wrong with one, and sees what is missing", async ({
  page,
  stage,
}) => {
  test.skip(!isReal, "the stand-in takes no documents");
  const ask = async (role: string, path: string, method = "GET", body?: unknown) => {
    const headers = {
      Authorization: `Bearer ${stage.tenants[0]?.tokens[role]}`,
      "Content-Type": "application/json",
      ...(method !== "GET" && { "Idempotency-Key": crypto.randomUUID() }),
    };
    const response = await fetch(`${stage.base}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect(response.ok, `${path}: ${response.status}`).toBe(true);
    return (await response.json()) as Record<string, unknown>;
  };
  const board = (await ask("dispatcher", "/api/v1/board?status=covered")) as unknown as {
    rows: { key: string; row: { invoice: unknown } }[];
  };
  const load = board.rows.find((it) => !it.row.invoice)?.key ?? board.rows[0]?.key ?? "";
  expect(load).not.toBe("");
  await signIn(page, stage, "dispatcher");
  await page.goto(`${stage.base}/loads/${load}`);
  const section = page.getByRole("region", { name: "Documents and invoice" });
  await section.getByRole("button", { name: "Attach a document" }).press("Enter");
  const form = page.getByRole("form", { name: "Attach a document" });
  await expect(form.getByLabel("What it is")).toBeFocused();
  const file = form.getByLabel(/^File/);
  await file.setInputFiles({ name: "pod.pdf", mimeType: "application/pdf", buffer: Buffer.from("<html>") });
  await form.getByRole("button", { name: "Attach" }).click();
  await expect(form.getByRole("alert")).toContainText("PDF, JPEG, PNG");
  await file.setInputFiles({
    name: "pod.pdf",
    mimeType: "application/pdf",
    buffer: Buffer.from(`%PDF-1.7 ${at(0)}`),
  });
  await form.getByLabel("Signed by").fill("Sam Sample");
  await form.getByRole("button", { name: "Attach" }).click();
  await expect(section.getByText("Not ready to be invoiced")).toBeVisible();
  await expect(section.getByText("the pieces on the proof of delivery")).toBeVisible();
  await expect(section.getByText("Sam Sample")).toBeVisible();
  await section.getByRole("button", { name: "Attach a document" }).click();
  for (const theme of ["light", "dark"] as const) {
    await page.getByLabel("Theme").selectOption(theme);
    await section.scrollIntoViewIfNeeded();
    await page.screenshot({ path: `test-results/documents-${theme}.png`, fullPage: true });
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3)}`);
    expect(found, theme).toEqual([]);
  }
  await page.goto(`${stage.base}/?invoice=missing`);
  await expect(page.getByText(/missing/).first()).toBeVisible();
});
