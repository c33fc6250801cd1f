// Which loads the grid shows, in which order. Rows keep their place while they change: a person may be about to press
// on one. What would move is counted, and moves when the person asks.

import type { BoardRow, LoadStatus } from "../../api";
import type { LiveTable, Told } from "../../live/table";
import { EVERYTHING, type Filters, matcher, type Sort } from "./filters";

export interface BoardOrder {
  keys: readonly string[];
  /** Rows that are new, gone, or would stand elsewhere. */
  waiting: number;
  /** Loads in each status, whatever the filter. */
  counts: Readonly<Record<LoadStatus, number>>;
  total: number;
  version: number;
}

type Place = string | number;

const RANK: Record<LoadStatus, number> = {
  exception: 0,
  awaiting_approval: 1,
  held: 2,
  tendering: 3,
  planned: 4,
  covered: 5,
  cancelled: 6,
};
/** More than any instant in milliseconds, so that the status rules and the time decides within it. */
const RANK_STEP = 1e14;
const NEVER = 9e13;

const instant = (at: string | null | undefined): number => {
  const ms = at ? Date.parse(at) : Number.NaN;
  return Number.isFinite(ms) ? ms : NEVER;
};

/** An expedited load that needs a carrier comes before every other. */
function urgency(row: BoardRow): number {
  const rank = RANK[row.status];
  const isPressing = row.priority === "high" && rank < RANK.covered;
  const first = isPressing ? rank - RANK.cancelled - 1 : rank;
  return first * RANK_STEP + instant(row.offer?.respond_by ?? row.pickup?.at);
}

/** Where a load stands under a sort. Equal places are ordered by key. */
export function place(row: BoardRow, sort: Sort): Place {
  switch (sort) {
    case "urgency":
      return urgency(row);
    case "reference":
      return row.reference;
    case "customer":
      return row.customer;
    case "lane":
      return row.lane;
    case "pickup":
      return instant(row.pickup?.at);
    case "carrier":
      return row.carrier ?? row.offer?.carrier ?? "\uffff";
    case "respond_by":
      return instant(row.offer?.respond_by);
    case "expected":
      // Late ones first, then by when they are expected; what is there or unknown comes last.
      return (row.trip?.late ? 0 : 1) * RANK_STEP + instant(row.trip?.arrived ? null : row.trip?.eta);
    case "rate":
      return (row.offer?.rate ?? row.rate)?.minor ?? -1;
    case "invoice":
      return row.invoice ? (row.invoice.ready ? 0 : row.invoice.missing.length) : -1;
    case "exceptions":
      return row.exceptions;
    case "updated":
      return instant(row.updated_at);
  }
}

export class BoardModel {
  current: BoardOrder = { keys: [], waiting: 0, counts: emptyCounts(), total: 0, version: 0 };
  #table: LiveTable<BoardRow>;
  #filters: Filters = EVERYTHING;
  #matches = matcher(EVERYTHING);
  #only: ReadonlySet<string> | null = null;
  #keys: string[] = [];
  /** The place each shown row had when it was put there. */
  #places = new Map<string, Place>();
  #waiting = new Set<string>();
  /** Rows that came after the last sort and stand at the end until the next. */
  #appended = new Set<string>();
  #listeners = new Set<() => void>();
  #stop: () => void;

  constructor(table: LiveTable<BoardRow>) {
    this.#table = table;
    this.#stop = table.subscribe((told) => this.#hear(told));
    this.resort();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  close(): void {
    this.#stop();
  }

  filter(filters: Filters): void {
    this.#filters = filters;
    this.#matches = matcher(filters);
    this.resort();
  }

  /** Shows no other loads than these; `null` shows all. */
  only(keys: ReadonlySet<string> | null): void {
    if (this.#only === keys) return;
    this.#only = keys;
    this.resort();
  }

  #belongs(key: string, row: BoardRow): boolean {
    return (this.#only === null || this.#only.has(key)) && this.#matches(row);
  }

  /** Puts everything where it belongs now. */
  resort(): void {
    const { sort, descending } = this.#filters;
    this.#places.clear();
    this.#waiting.clear();
    this.#appended.clear();
    for (const [key, row] of this.#table.rows) {
      if (this.#belongs(key, row)) this.#places.set(key, place(row, sort));
    }
    const sign = descending ? -1 : 1;
    this.#keys = [...this.#places]
      .sort(([a, x], [b, y]) => sign * compare(x, y) || (a < b ? -1 : 1))
      .map(([key]) => key);
    this.#publish();
  }

  #hear(told: Told): void {
    if (told === "all" || this.#keys.length === 0) return this.resort();
    let added = false;
    for (const key of told) {
      const row = this.#table.rows.get(key);
      const shownAt = this.#places.get(key);
      const belongs = row !== undefined && this.#belongs(key, row);
      if (shownAt === undefined) {
        if (!belongs) continue;
        // A new row goes to the end, where it moves nobody.
        this.#places.set(key, place(row, this.#filters.sort));
        if (!added) this.#keys = this.#keys.slice();
        added = true;
        this.#keys.push(key);
        this.#appended.add(key);
        this.#waiting.add(key);
      } else if (!belongs || place(row, this.#filters.sort) !== shownAt) this.#waiting.add(key);
      else if (!this.#appended.has(key)) this.#waiting.delete(key);
    }
    this.#publish();
  }

  #publish(): void {
    const counts = emptyCounts();
    for (const row of this.#table.rows.values()) counts[row.status]++;
    this.current = {
      keys: this.#keys,
      waiting: this.#waiting.size,
      counts,
      total: this.#table.rows.size,
      version: this.current.version + 1,
    };
    for (const listener of this.#listeners) listener();
  }
}

function compare(one: Place, other: Place): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function emptyCounts(): Record<LoadStatus, number> {
  return { planned: 0, tendering: 0, held: 0, awaiting_approval: 0, covered: 0, exception: 0, cancelled: 0 };
}
