import { describe, expect, it } from "vitest";
import type { InboxItem } from "../../api";
import { findMessage } from "../../kit/message";
import { findRate, lines } from "./proposal";
import { command, heir, type Press, reasonText, sortQueue, step } from "./queue";

const item = (id: string, more: Partial<InboxItem>): [string, InboxItem] => [
  id,
  {
    kind: "approval",
    id,
    load: "load_1",
    reference: id,
    title: id,
    severity: "low",
    requested_at: "2026-11-22T12:00:00Z",
    deadline: null,
    role: null,
    evidence: [],
    proposal: null,
    rule: null,
    next_action: null,
    allowed_actions: ["approve", "edit", "reject"],
    ...more,
  },
];

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  repeat: false,
  inField: false,
  ...more,
});

const keys = (rows: [string, InboxItem][]) => sortQueue(rows).map((it) => it.key);

describe("the queue", () => {
  it("has the soonest deadline first, then the more severe, then the older", () => {
    const at = "2026-11-22T13:00:00Z";
    expect(
      keys([
        item("late", { deadline: "2026-11-22T14:00:00Z", severity: "high" }),
        item("younger", { deadline: at, requested_at: "2026-11-22T12:01:00Z" }),
        item("older", { deadline: at }),
        item("severe", { deadline: at, severity: "high" }),
      ]),
    ).toEqual(["severe", "older", "younger", "late"]);
  });

  it("places an exception without a deadline by its severity", () => {
    expect(
      keys([
        item("in 30 min", { deadline: "2026-11-22T12:30:00Z" }),
        item("low", { kind: "exception" }),
        item("high", { kind: "exception", severity: "high" }),
      ]),
    ).toEqual(["high", "in 30 min", "low"]);
  });

  it("has loads with high priority first, however soon others are due", () => {
    expect(
      keys([
        item("soon", { deadline: "2026-11-22T12:05:00Z", severity: "high" }),
        item("expedited", { deadline: "2026-11-23T12:00:00Z", priority: "high" }),
      ]),
    ).toEqual(["expedited", "soon"]);
  });

  it("gives the focus to the next card, else the one before, else nobody", () => {
    const queue = sortQueue([item("a", {}), item("b", {}), item("c", {})]);
    expect(heir(queue, "b")?.key).toBe("c");
    expect(heir(queue, "c")?.key).toBe("b");
    expect(heir(queue.slice(0, 1), "a")).toBeNull();
  });

  it("stops at its ends", () => {
    const queue = sortQueue([item("a", {}), item("b", {})]);
    expect(step(queue, "b", 1)?.key).toBe("b");
    expect(step(queue, "a", -1)?.key).toBe("a");
    expect(step(queue, null, 1)?.key).toBe("a");
    expect(step([], "a", 1)).toBeNull();
  });
});

describe("the keys", () => {
  const all: InboxItem["allowed_actions"] = ["approve", "edit", "reject"];

  it("mean what the list says", () => {
    expect(["a", "A", "e", "x", "j", "k", "?", "Escape"].map((key) => command(press(key), all))).toEqual([
      "approve",
      "approve",
      "edit",
      "reject",
      "next",
      "previous",
      "keys",
      "cancel",
    ]);
  });

  it("do only what the server allows", () => {
    expect(command(press("a"), ["resolve"])).toBeNull();
    expect(command(press("r"), ["resolve"])).toBe("resolve");
    expect(command(press("r"), all)).toBeNull();
  });

  it("do nothing while a person types, but for leaving", () => {
    expect(command(press("a", { inField: true }), all)).toBeNull();
    expect(command(press("Escape", { inField: true }), all)).toBe("cancel");
  });

  it("approve once when held down, and move as long as held down", () => {
    expect(command(press("a", { repeat: true }), all)).toBeNull();
    expect(command(press("j", { repeat: true }), all)).toBe("next");
  });

  it("leave the browser's own keys alone", () => {
    expect(command(press("a", { ctrlKey: true }), all)).toBeNull();
    expect(command(press("x", { metaKey: true }), all)).toBeNull();
  });
});

describe("a reason", () => {
  it("is a code and, where needed, words", () => {
    expect(reasonText("rate_too_high", "")).toBe("rate_too_high");
    expect(reasonText("timing", " dock closed ")).toBe("timing: dock closed");
    expect(reasonText("other", "  ")).toBeNull();
  });
});

describe("a proposal", () => {
  const rate = { minor: 340_000, currency: "USD" };

  it("shows what will be sent, and an edited rate beside the old one", () => {
    const edited = { minor: 320_000, currency: "USD" };
    expect(lines({ carrier: "SLFR", rate, note: null })).toEqual([
      { field: "carrier", after: "SLFR" },
      { field: "rate", after: rate },
    ]);
    expect(lines({ offer: { scac: "SLFR", rate } }, edited)).toEqual([
      { field: "offer.scac", after: "SLFR" },
      { field: "offer.rate", before: rate, after: edited },
    ]);
  });

  it("shows listed changes as they are", () => {
    expect(lines({ changes: [{ field: "rate", from: 1, to: 2 }] })).toEqual([
      { field: "rate", before: 1, after: 2 },
    ]);
  });

  it("has a rate to edit only where there is one", () => {
    expect(findRate({ offer: { rate } })).toEqual(rate);
    expect(findRate({ carrier: "SLFR" })).toBeNull();
    expect(findRate(null)).toBeNull();
  });
});

describe("a message", () => {
  it("is found whole or not at all", () => {
    const message = { subject: "Load 1 will be late", body: "Hello.", to_name: "Acme", notice: "ntc_1" };
    expect(findMessage(message)).toEqual({ subject: "Load 1 will be late", body: "Hello.", to: "Acme" });
    expect(findMessage({ subject: "Load 1 will be late" })).toBeNull();
    expect(findMessage({ rate: { minor: 100, currency: "USD" } })).toBeNull();
    expect(findMessage(null)).toBeNull();
  });
});
