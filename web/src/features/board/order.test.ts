import { describe, expect, it } from "vitest";
import type { BoardRow, LoadStatus } from "../../api";
import { LiveTable } from "../../live/table";
import { EVERYTHING } from "./filters";
import { BoardModel } from "./order";

const row = (load: string, status: LoadStatus, more: Partial<BoardRow> = {}): BoardRow => ({
  load,
  reference: load,
  customer: "Acme",
  status,
  lane: "ME>WI",
  origin: "Rumford, ME",
  destination: "Neenah, WI",
  pickup: null,
  delivery: null,
  carrier: null,
  offer: null,
  rate: null,
  exceptions: 0,
  updated_at: "2026-11-22T12:00:00Z",
  playbook: null,
  ...more,
});

function make(...rows: BoardRow[]) {
  const table = new LiveTable<BoardRow>("board", (flush) => flush());
  table.load([{ position: 0, total: rows.length, rows: rows.map((it) => ({ key: it.load, row: it })) }]);
  const model = new BoardModel(table);
  let seq = 0;
  const put = (key: string, next: BoardRow | null) =>
    table.apply({ seq: ++seq, view: "board", key, row: next });
  return { table, model, put, shown: () => model.current.keys.join(" ") };
}

describe("the order of the board", () => {
  it("puts the most pressing first", () => {
    const { shown } = make(
      row("a", "covered"),
      row("b", "tendering"),
      row("c", "exception"),
      row("d", "awaiting_approval"),
    );
    expect(shown()).toBe("c d b a");
  });

  it("puts an expedited load that needs a carrier before all others, and a covered one where it was", () => {
    const { shown } = make(
      row("a", "exception"),
      row("b", "covered", { priority: "high" }),
      row("c", "tendering", { priority: "high" }),
      row("d", "tendering"),
    );
    expect(shown()).toBe("c a d b");
  });

  it("keeps rows in place while they change, and counts what would move", () => {
    const { model, put, shown } = make(row("a", "tendering"), row("b", "tendering"));
    put("b", row("b", "exception"));
    expect(shown()).toBe("a b");
    expect(model.current.waiting).toBe(1);
    model.resort();
    expect(shown()).toBe("b a");
    expect(model.current.waiting).toBe(0);
  });

  it("does not count a change that moves nothing, nor one that was taken back", () => {
    const { model, put } = make(row("a", "tendering"), row("b", "tendering"));
    put("a", row("a", "tendering", { customer: "Other" }));
    expect(model.current.waiting).toBe(0);
    put("a", row("a", "covered"));
    put("a", row("a", "tendering"));
    expect(model.current.waiting).toBe(0);
  });

  it("adds new rows at the end, where they move nobody", () => {
    const { model, put, shown } = make(row("a", "tendering"), row("b", "tendering"));
    put("c", row("c", "exception"));
    put("c", row("c", "exception", { customer: "Other" }));
    expect(shown()).toBe("a b c");
    expect(model.current.waiting).toBe(1);
    model.resort();
    expect(shown()).toBe("c a b");
  });

  it("shows the first rows at once", () => {
    const { model, put, shown } = make();
    put("a", row("a", "planned"));
    expect(shown()).toBe("a");
    expect(model.current.waiting).toBe(0);
  });

  it("leaves rows that no longer match until asked, and does not show new ones that do not", () => {
    const { model, put, shown } = make(row("a", "tendering"), row("b", "tendering"));
    model.filter({ ...EVERYTHING, status: ["tendering"] });
    put("a", row("a", "covered"));
    put("c", row("c", "covered"));
    expect(shown()).toBe("a b");
    model.resort();
    expect(shown()).toBe("b");
    expect(model.current.counts.covered).toBe(2);
  });

  it("holds the place of a row that is gone", () => {
    const { model, put, shown } = make(row("a", "tendering"), row("b", "tendering"));
    put("a", null);
    expect(shown()).toBe("a b");
    model.resort();
    expect(shown()).toBe("b");
  });

  it("sorts by a column, both ways", () => {
    const { model, shown } = make(
      row("a", "covered", { exceptions: 1 }),
      row("b", "covered", { exceptions: 3 }),
      row("c", "covered"),
    );
    model.filter({ ...EVERYTHING, sort: "exceptions" });
    expect(shown()).toBe("c a b");
    model.filter({ ...EVERYTHING, sort: "exceptions", descending: true });
    expect(shown()).toBe("b a c");
  });

  it("puts late loads first, then those expected soonest; what arrived or is unknown comes last", () => {
    const trip = (eta: string | null, more = {}) => ({
      trip: { late: false, completed: false, eta, ...more },
    });
    const { model, shown } = make(
      row("a", "covered", trip("2026-11-22T14:00:00Z")),
      row("b", "covered", trip("2026-11-22T18:00:00Z", { late: true })),
      row("c", "covered", trip(null, { late: true })),
      row("d", "covered", trip(null, { arrived: "2026-11-22T11:00:00Z" })),
      row("e", "covered"),
      row("f", "covered", trip("2026-11-22T13:00:00Z")),
    );
    model.filter({ ...EVERYTHING, sort: "expected" });
    expect(shown()).toBe("b c f a d e");
  });
});
