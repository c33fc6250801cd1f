import { describe, expect, it } from "vitest";
import { type Change, LiveTable, type Told } from "./table";

interface Row {
  text: string;
}

/** A table whose flushes run when the test says. */
function make() {
  let due: (() => void) | null = null;
  const table = new LiveTable<Row>("board", (flush) => {
    due = flush;
  });
  const told: Told[] = [];
  table.subscribe((it) => told.push(it));
  const flush = () => {
    due?.();
    due = null;
  };
  table.load([{ position: 10, total: 1, rows: [{ key: "a", row: { text: "old" } }] }]);
  const change = (seq: number, key: string, text: string | null): Change<Row> => ({
    seq,
    view: "board",
    key,
    row: text === null ? null : { text },
  });
  return { table, told, flush, change };
}

describe("a live table", () => {
  it("applies what is newer", () => {
    const { table, change } = make();
    expect(table.apply(change(11, "a", "new"))).toBe(true);
    expect(table.rows.get("a")?.text).toBe("new");
  });

  it("ignores what the snapshot already holds", () => {
    const { table, change } = make();
    expect(table.apply(change(10, "a", "old"))).toBe(false);
    expect(table.apply(change(9, "a", "older"))).toBe(false);
    expect(table.apply(change(8, "b", "never was"))).toBe(false);
    expect(table.rows.size).toBe(1);
  });

  it("ignores duplicates and what arrives out of order", () => {
    const { table, change } = make();
    table.apply(change(13, "a", "thirteen"));
    expect(table.apply(change(13, "a", "thirteen"))).toBe(false);
    expect(table.apply(change(12, "a", "twelve"))).toBe(false);
    expect(table.rows.get("a")?.text).toBe("thirteen");
  });

  it("takes several changes of one turn, to different rows and to the same", () => {
    const { table, change } = make();
    expect(table.apply(change(12, "a", "one"))).toBe(true);
    expect(table.apply(change(12, "b", "two"))).toBe(true);
    expect(table.apply(change(12, "a", "three"))).toBe(true);
    expect(table.rows.get("a")?.text).toBe("three");
  });

  it("does not bring a removed row back by an older change", () => {
    const { table, change } = make();
    expect(table.apply(change(15, "a", null))).toBe(true);
    expect(table.apply(change(14, "a", "ghost"))).toBe(false);
    expect(table.rows.has("a")).toBe(false);
  });

  it("holds each page of a snapshot at the page's own position", () => {
    const { table, change } = make();
    table.load([
      { position: 20, total: 2, rows: [{ key: "a", row: { text: "at 20" } }] },
      { position: 25, total: 2, rows: [{ key: "b", row: { text: "at 25" } }] },
    ]);
    expect(table.position).toBe(20);
    expect(table.apply(change(22, "a", "at 22"))).toBe(true);
    expect(table.apply(change(22, "b", "at 22"))).toBe(false);
  });

  it("tells many changes at once", () => {
    const { table, told, flush, change } = make();
    told.length = 0;
    for (let seq = 11; seq < 111; seq++) table.apply(change(seq, seq % 2 ? "a" : "b", String(seq)));
    expect(told).toEqual([]);
    flush();
    expect(told).toEqual([new Set(["a", "b"])]);
  });

  it("tells everything after a snapshot", () => {
    const { table, told } = make();
    table.load([{ position: 30, total: 0, rows: [] }]);
    expect(told.at(-1)).toBe("all");
    expect(table.rows.size).toBe(0);
  });

  it("keeps old rows when a refresh fails, and says so when there are none", () => {
    const { table } = make();
    table.refuse("failed", "no answer");
    expect(table.state).toBe("ready");
    table.clear();
    table.refuse("failed", "no answer");
    expect(table.state).toBe("failed");
  });
});
