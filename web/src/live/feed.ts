// Snapshot, then follow. The only place that knows the live protocol's order of things.

import type { Clock } from "./clock";
import type { SseEvent } from "./sse";
import type { Change, LiveTable, Page } from "./table";

/** Silence after which what is shown may be old. The server beats every five seconds. */
export const STALE_AFTER_MS = 10_000;
/** Silence after which the connection is taken for dead and opened again. */
const DEAD_AFTER_MS = 16_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 20_000;

export type Phase = "loading" | "live" | "reconnecting" | "refused" | "stopped";

export interface Status {
  phase: Phase;
  /** When the server was last heard, by our clock. */
  heardAt: number;
  /** The last log position heard of. */
  seq: number;
  problem: string | null;
}

/** The session is over: asking again will not help. */
export class Refused extends Error {}
/** This view is not for this person; the others are. */
export class Forbidden extends Error {}

export interface Wires {
  snapshot(view: string): Promise<Page<unknown>[]>;
  open(from: number, signal: AbortSignal): Promise<AsyncIterable<SseEvent>>;
  wait(ms: number, signal: AbortSignal): Promise<void>;
  now(): number;
  chance(): number;
}

type Verdict = "ok" | "resnapshot";

export class Feed {
  status: Status = { phase: "loading", heardAt: 0, seq: 0, problem: null };
  #listeners = new Set<() => void>();
  #tables: Map<string, LiveTable<unknown>>;
  #wires: Wires;
  #clock: Clock;
  #life = new AbortController();
  #nudge = new AbortController();
  /** Every change up to here has arrived: one turn sends several changes under one sequence. */
  #complete = 0;
  /** The sequence of the last change heard, whose turn may still be going on. */
  #current = 0;

  constructor(tables: LiveTable<never>[], wires: Wires, clock: Clock) {
    this.#tables = new Map(tables.map((table) => [table.view, table as unknown as LiveTable<unknown>]));
    this.#wires = wires;
    this.#clock = clock;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  stop(): void {
    this.#life.abort();
    this.#nudge.abort();
    this.#say({ phase: "stopped" });
  }

  /** Do not wait for the next attempt. */
  retryNow(): void {
    this.#nudge.abort();
  }

  async run(): Promise<void> {
    let failures = 0;
    let needsSnapshot = true;
    while (!this.#life.signal.aborted) {
      try {
        this.#nudge = new AbortController();
        if (needsSnapshot) await this.#snapshot();
        needsSnapshot = false;
        const verdict = await this.#follow(() => {
          failures = 0;
        });
        needsSnapshot = verdict === "resnapshot";
        if (!needsSnapshot)
          this.#say({ phase: "reconnecting", problem: "The server closed the live stream." });
      } catch (error) {
        if (this.#life.signal.aborted) return;
        if (error instanceof Refused) return this.#say({ phase: "refused", problem: error.message });
        this.#say({ phase: "reconnecting", problem: error instanceof Error ? error.message : String(error) });
        if (needsSnapshot)
          for (const table of this.#tables.values()) table.refuse("failed", this.status.problem ?? "");
      }
      if (this.#nudge.signal.aborted) this.#nudge = new AbortController();
      await this.#wires.wait(backoff(failures++, this.#wires.chance()), this.#nudge.signal);
    }
  }

  /** Judges one event. Anything that could leave a hole asks for a new snapshot. */
  take(event: SseEvent): Verdict {
    this.#say({ heardAt: this.#wires.now() });
    if (event.event === "reset") return "resnapshot";
    if (event.event === "beat") {
      const beat = JSON.parse(event.data) as { seq: number; now?: string };
      if (beat.now) this.#clock.observe(Date.parse(beat.now));
      // A head behind what we hold is another log: a restored backup, or a new server.
      if (beat.seq < this.#complete) return "resnapshot";
      this.#complete = Math.max(this.#complete, this.#current);
      this.#say({ seq: Math.max(this.status.seq, beat.seq) });
      return "ok";
    }
    if (event.event !== "change") return "ok";
    const change = JSON.parse(event.data) as Change;
    if (change.seq > this.#current) {
      this.#complete = Math.max(this.#complete, this.#current);
      this.#current = change.seq;
      this.#say({ seq: change.seq });
    }
    this.#tables.get(change.view)?.apply(change);
    return "ok";
  }

  async #snapshot(): Promise<void> {
    const tables = [...this.#tables.values()].filter((table) => table.isWanted);
    if (tables.every((table) => table.state !== "ready")) this.#say({ phase: "loading" });
    const positions = await Promise.all(
      tables.map(async (table) => {
        try {
          const pages = await this.#wires.snapshot(table.view);
          table.load(pages);
          return table.position;
        } catch (error) {
          if (!(error instanceof Forbidden)) throw error;
          table.refuse("forbidden", error.message);
          return Number.POSITIVE_INFINITY;
        }
      }),
    );
    const lowest = Math.min(...positions);
    this.#complete = Number.isFinite(lowest) ? lowest : 0;
    this.#current = this.#complete;
    this.#say({ seq: this.#complete, heardAt: this.#wires.now() });
  }

  async #follow(heard: () => void): Promise<Verdict | "closed"> {
    const connection = new AbortController();
    const stop = () => connection.abort();
    this.#life.signal.addEventListener("abort", stop);
    this.#nudge.signal.addEventListener("abort", stop);
    const watch = setInterval(() => {
      if (this.#wires.now() - this.status.heardAt > DEAD_AFTER_MS) connection.abort();
    }, 1_000);
    try {
      const events = await this.#wires.open(this.#complete, connection.signal);
      this.#say({ phase: "live", heardAt: this.#wires.now(), problem: null });
      for await (const event of events) {
        if (this.take(event) === "resnapshot") return "resnapshot";
        heard();
      }
      return "closed";
    } finally {
      clearInterval(watch);
      connection.abort();
      this.#life.signal.removeEventListener("abort", stop);
    }
  }

  #say(news: Partial<Status>): void {
    const before = this.status;
    this.status = { ...before, ...news };
    // The time of the last word is read by whoever draws a clock; only a change of state is told.
    if (before.phase !== this.status.phase || before.problem !== this.status.problem) {
      for (const listener of this.#listeners) listener();
    }
  }
}

/** Full jitter over a doubling ceiling. */
export function backoff(failures: number, chance: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 10));
  return ceiling / 2 + (ceiling / 2) * chance;
}
