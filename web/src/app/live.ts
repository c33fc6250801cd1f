// The live tables of this session, and the hooks that read them.

import { useSyncExternalStore } from "react";
import {
  ApiError,
  type BoardRow,
  type InboxItem,
  openLive,
  type QuarantineRow,
  readView,
  type VehicleRow,
  type View,
} from "../api";
import { Clock } from "../live/clock";
import { Feed, Forbidden, Refused, type Wires } from "../live/feed";
import { readEvents } from "../live/sse";
import { LiveTable, type Page } from "../live/table";

export const clock = new Clock();
export const board = new LiveTable<BoardRow>("board");
export const inbox = new LiveTable<InboxItem>("inbox");
export const quarantine = new LiveTable<QuarantineRow>("quarantine");

/** Read once a map is open, and followed from then on. */
export const vehicles = new LiveTable<VehicleRow>("vehicles", undefined, undefined, false);

const tables = [board, inbox, quarantine, vehicles];

const wires: Wires = {
  snapshot: (view) => translated(() => readView(view as View)),
  open: (from, signal) =>
    translated(async () => {
      const { body } = await openLive(from, signal);
      if (!body) throw new Error("The live stream has no body.");
      return readEvents(body);
    }),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    }),
  now: () => Date.now(),
  chance: () => Math.random(),
};

async function translated<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) throw new Refused(error.message);
    if (error instanceof ApiError && error.status === 403) throw new Forbidden(error.message);
    throw error;
  }
}

let feed = new Feed(tables as unknown as LiveTable<never>[], wires, clock);
const feedListeners = new Set<() => void>();

/** Follows the server until the returned function is called. */
export function follow(): () => void {
  for (const table of tables) table.clear();
  vehicles.isWanted = false;
  const mine = new Feed(tables as unknown as LiveTable<never>[], wires, clock);
  feed = mine;
  const stop = mine.subscribe(tellFeed);
  tellFeed();
  void mine.run();
  return () => {
    stop();
    mine.stop();
  };
}

/** Reads the vehicles, if nobody has. A failure leaves the table as it was and is told by it. */
export async function wantVehicles(): Promise<void> {
  if (vehicles.isWanted && vehicles.state !== "failed") return;
  vehicles.isWanted = true;
  try {
    vehicles.load((await wires.snapshot("vehicles")) as Page<VehicleRow>[]);
  } catch (error) {
    vehicles.refuse(error instanceof Forbidden ? "forbidden" : "failed", String(error));
  }
}

export const retryNow = () => feed.retryNow();
export const feedStatus = () => feed.status;

function tellFeed(): void {
  for (const listener of feedListeners) listener();
}

function subscribeFeed(listener: () => void): () => void {
  feedListeners.add(listener);
  return () => feedListeners.delete(listener);
}

export const useFeed = () => useSyncExternalStore(subscribeFeed, feedStatus);

/** Draws again whenever the table tells, which is at most seven times a second. */
export function useTable<Row>(table: LiveTable<Row>): LiveTable<Row> {
  useSyncExternalStore(table.subscribe, () => table.version);
  return table;
}

/** One row; draws again only when that row changed. */
export function useRow<Row>(table: LiveTable<Row>, key: string): Row | undefined {
  return useSyncExternalStore(table.subscribe, () => table.rows.get(key));
}

const seconds = new Set<() => void>();
let second = 0;
setInterval(() => {
  second++;
  for (const listener of seconds) listener();
}, 1000);

function subscribeSecond(listener: () => void): () => void {
  seconds.add(listener);
  return () => seconds.delete(listener);
}

/** Draws again each second; for countdowns and ages. */
export function useSecond(): number {
  return useSyncExternalStore(subscribeSecond, () => second);
}
