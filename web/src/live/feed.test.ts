import { describe, expect, it, vi } from "vitest";
import { Clock } from "./clock";
import { backoff, Feed, Forbidden, Refused, type Wires } from "./feed";
import type { SseEvent } from "./sse";
import { LiveTable, type Page } from "./table";

type Script = SseEvent[] | Error;

const event = (name: string, data: unknown, id: string | null = null): SseEvent => ({
  id,
  event: name,
  data: JSON.stringify(data),
});
const change = (seq: number, view: string, key: string, row: unknown) =>
  event("change", { seq, view, key, row }, String(seq));

/** A server that plays one script a connection, then closes; after the last the feed is stopped. */
function play(scripts: Script[], snapshots: Record<string, () => Page<unknown>[]> = {}) {
  const tables = [
    new LiveTable<{ n: number }>("board", (flush) => flush()),
    new LiveTable<{ n: number }>("inbox", (flush) => flush()),
  ];
  const opened: number[] = [];
  let snapshotsRead = 0;
  let feed: Feed;
  const wires: Wires = {
    snapshot: async (view) => {
      snapshotsRead++;
      const page = snapshots[view];
      return page ? page() : [{ position: 10, total: 0, rows: [] }];
    },
    open: async (from) => {
      opened.push(from);
      const script = scripts.shift();
      if (script instanceof Error) throw script;
      return (async function* () {
        for (const it of script ?? []) yield it;
        if (scripts.length === 0) feed.stop();
      })();
    },
    wait: async () => undefined,
    now: () => 0,
    chance: () => 0,
  };
  feed = new Feed(tables as unknown as LiveTable<never>[], wires, new Clock(() => 0));
  return { feed, tables, opened, snapshots: () => snapshotsRead };
}

describe("the live feed", () => {
  it("follows from the lowest position of its snapshots", async () => {
    const it = play([[change(13, "inbox", "x", { n: 1 })]], {
      board: () => [{ position: 14, total: 0, rows: [] }],
      inbox: () => [{ position: 12, total: 0, rows: [] }],
    });
    await it.feed.run();
    expect(it.opened).toEqual([12]);
    expect(it.tables[1]?.rows.size).toBe(1);
  });

  it("resumes after the last whole turn, because a turn sends several changes", async () => {
    const it = play([[change(11, "board", "a", { n: 1 }), change(12, "board", "a", { n: 2 })], []]);
    await it.feed.run();
    expect(it.opened).toEqual([10, 11]);
    expect(it.snapshots()).toBe(2);
  });

  it("counts a turn as whole once the server beats", async () => {
    const it = play([[change(12, "board", "a", { n: 2 }), event("beat", { seq: 12 })], []]);
    await it.feed.run();
    expect(it.opened).toEqual([10, 12]);
  });

  it("reads a new snapshot when the server cannot go that far back", async () => {
    let position = 10;
    const it = play([[event("reset", {})], []], {
      board: () => [{ position: position++ * 10, total: 0, rows: [] }],
    });
    await it.feed.run();
    expect(it.snapshots()).toBe(4);
    expect(it.tables[0]?.position).toBe(110);
  });

  it("reads a new snapshot when the log is another one", async () => {
    const it = play([[event("beat", { seq: 3 })], []]);
    await it.feed.run();
    expect(it.snapshots()).toBe(4);
  });

  it("comes back after the connection broke", async () => {
    const it = play([new Error("broken"), [change(11, "board", "a", { n: 1 })]]);
    await it.feed.run();
    expect(it.opened).toEqual([10, 10]);
    expect(it.tables[0]?.rows.get("a")).toEqual({ n: 1 });
  });

  it("stops asking when the token is refused", async () => {
    const it = play([new Refused("expired"), []]);
    await it.feed.run();
    expect(it.opened).toHaveLength(1);
    expect(it.feed.status.phase).toBe("refused");
  });

  it("shows the other views when one is not for this role", async () => {
    const it = play([[change(11, "board", "a", { n: 1 })]], {
      inbox: () => {
        throw new Forbidden("not for viewers");
      },
    });
    await it.feed.run();
    expect(it.tables.map((table) => table.state)).toEqual(["ready", "forbidden"]);
    expect(it.tables[0]?.rows.size).toBe(1);
  });

  it("waits longer after each failure, never in step with others, never too long", () => {
    expect([0, 1, 2].map((failures) => backoff(failures, 1))).toEqual([500, 1000, 2000]);
    expect(backoff(0, 0)).toBe(250);
    expect(backoff(50, 1)).toBe(20_000);
  });
});

describe("the server's clock", () => {
  it("is ours until the server says otherwise", () => {
    expect(new Clock(() => 5).now()).toBe(5);
  });

  it("follows a world that runs thirty times as fast", () => {
    const local = vi.fn(() => 0);
    const clock = new Clock(local);
    clock.observe(1_000_000);
    local.mockReturnValue(5_000);
    clock.observe(1_150_000);
    local.mockReturnValue(6_000);
    expect(clock.now()).toBe(1_180_000);
  });

  it("takes jitter for jitter", () => {
    const local = vi.fn(() => 0);
    const clock = new Clock(local);
    clock.observe(100_000);
    local.mockReturnValue(5_000);
    clock.observe(105_200);
    local.mockReturnValue(6_000);
    expect(clock.now()).toBe(106_200);
  });
});
