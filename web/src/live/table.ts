// One view's rows, kept outside React. Changes are applied at once and told to listeners at most seven times a second.

export interface Change<Row = unknown> {
  seq: number;
  view: string;
  key: string;
  row: Row | null;
}

export interface Page<Row> {
  position: number;
  total: number;
  rows: { key: string; row: Row }[];
}

/** What changed since the last telling: keys, or everything after a snapshot. */
export type Told = ReadonlySet<string> | "all";

export type TableState = "loading" | "ready" | "forbidden" | "failed";

/** Changes kept while a snapshot is on its way. A table that misses one is right again at the row's next change. */
const EARLY_MAX = 10_000;

/** Listeners hear at most this often. */
export const FLUSH_EVERY_MS = 150;

export type Schedule = (flush: () => void, sinceLastMs: number) => void;

export class LiveTable<Row> {
  readonly view: string;
  rows: ReadonlyMap<string, Row> = new Map();
  state: TableState = "loading";
  /** Whether anybody looks at it; a table that nobody wants is not read. */
  isWanted: boolean;
  problem: string | null = null;
  /** The log position the rows hold at least. */
  position = 0;
  /** Counts tellings, so that React can compare. */
  version = 0;

  #rows = new Map<string, Row>();
  /** The sequence that last wrote a key, removed keys included: an older change cannot bring them back. */
  #seqs = new Map<string, number>();
  #dirty = new Set<string>();
  #all = false;
  /** Changes heard while the first snapshot is on its way. */
  #early: Change<Row>[] = [];
  #scheduled = false;
  #lastFlush = Number.NEGATIVE_INFINITY;
  #listeners = new Set<(told: Told) => void>();
  #schedule: Schedule;
  #now: () => number;

  constructor(
    view: string,
    schedule: Schedule = onFrame,
    now: () => number = () => performance.now(),
    isWanted = true,
  ) {
    this.view = view;
    this.isWanted = isWanted;
    this.#schedule = schedule;
    this.#now = now;
    this.rows = this.#rows;
  }

  /** Replaces everything by a snapshot, read as one page or several. */
  load(pages: Page<Row>[]): void {
    this.#rows.clear();
    this.#seqs.clear();
    for (const page of pages) {
      for (const { key, row } of page.rows) {
        this.#rows.set(key, row);
        this.#seqs.set(key, page.position);
      }
    }
    this.position = Math.min(...pages.map((page) => page.position));
    this.state = "ready";
    this.problem = null;
    for (const change of this.#early.splice(0)) this.apply(change);
    this.#tellAll();
  }

  /** Adds rows that a snapshot did not reach. What is here already is as new or newer. */
  merge(rows: Page<Row>["rows"], position: number): void {
    for (const { key, row } of rows) {
      if (this.#seqs.has(key)) continue;
      this.#rows.set(key, row);
      this.#seqs.set(key, position);
      this.#dirty.add(key);
    }
    if (this.#dirty.size > 0) this.#request();
  }

  refuse(state: "forbidden" | "failed", problem: string): void {
    // Old rows are worth more than none: a failed refresh leaves them and the banner says so.
    if (state === "failed" && this.state === "ready") return;
    this.state = state;
    this.problem = problem;
    this.#tellAll();
  }

  clear(): void {
    this.#rows.clear();
    this.#seqs.clear();
    this.#early = [];
    this.state = "loading";
    this.problem = null;
    this.position = 0;
    this.#tellAll();
  }

  /** Applies a change unless a newer one for its key is here. Returns whether it was news. */
  apply(change: Change<Row>): boolean {
    if (this.state === "loading" && this.isWanted && this.#early.length < EARLY_MAX) this.#early.push(change);
    const known = this.#seqs.get(change.key) ?? this.position;
    if (this.state !== "ready" || change.seq < known) return false;
    const before = this.#rows.get(change.key);
    // The same sequence again is the same change sent twice, unless its turn wrote the key more than once.
    if (change.seq === known && same(before ?? null, change.row)) return false;
    this.#seqs.set(change.key, change.seq);
    if (change.row !== null) this.#rows.set(change.key, change.row);
    else if (!this.#rows.delete(change.key)) return false;
    this.#dirty.add(change.key);
    this.#request();
    return true;
  }

  /** Takes a row out because we know it is settled, before the stream says so. */
  drop(key: string): void {
    if (!this.#rows.delete(key)) return;
    this.#dirty.add(key);
    this.#request();
  }

  subscribe = (listener: (told: Told) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #tellAll(): void {
    this.#all = true;
    this.#flush();
  }

  #request(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => this.#flush(), this.#now() - this.#lastFlush);
  }

  #flush(): void {
    this.#scheduled = false;
    if (!this.#all && this.#dirty.size === 0) return;
    this.#lastFlush = this.#now();
    const told: Told = this.#all ? "all" : this.#dirty;
    this.#dirty = new Set();
    this.#all = false;
    this.version++;
    for (const listener of this.#listeners) listener(told);
  }
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** At the next animation frame, but not before the last telling is `FLUSH_EVERY_MS` old. */
function onFrame(flush: () => void, sinceLastMs: number): void {
  const wait = Math.max(0, FLUSH_EVERY_MS - sinceLastMs);
  // A hidden tab draws no frames; it still has to count what waits.
  const frame = () => (document.hidden ? flush() : requestAnimationFrame(flush));
  if (wait === 0) frame();
  else setTimeout(frame, wait);
}
