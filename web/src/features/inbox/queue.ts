// The order of the inbox, where the focus goes, and what the keys mean. No DOM and no clock, so that tests can ask.

import type { HeldAction, InboxAction, InboxItem, Severity } from "../../api";

const MINUTE_MS = 60_000;
/** An exception has no deadline of its own: it counts as due this long after it was raised. */
const DUE_AFTER_MS: Record<Severity, number> = {
  high: 15 * MINUTE_MS,
  medium: 60 * MINUTE_MS,
  low: 240 * MINUTE_MS,
};
const WEIGHT: Record<Severity, number> = { high: 0, medium: 1, low: 2 };

export interface Queued {
  key: string;
  item: InboxItem;
}

/** When it must be dealt with, in milliseconds since 1970. */
export function due(item: InboxItem): number {
  if (item.deadline) return Date.parse(item.deadline);
  return Date.parse(item.requested_at) + (DUE_AFTER_MS[item.severity] ?? DUE_AFTER_MS.low);
}

/** Loads with high priority first; then soonest due; of two due together the more severe; then the older. */
export function sortQueue(rows: Iterable<[string, InboxItem]>): Queued[] {
  return [...rows]
    .map(([key, item]) => ({ key, item, due: due(item) }))
    .sort(
      (a, b) =>
        rank(a.item) - rank(b.item) ||
        a.due - b.due ||
        WEIGHT[a.item.severity] - WEIGHT[b.item.severity] ||
        a.item.requested_at.localeCompare(b.item.requested_at) ||
        (a.key < b.key ? -1 : 1),
    )
    .map(({ key, item }) => ({ key, item }));
}

const rank = (item: InboxItem) => (item.priority === "high" ? 0 : 1);

/** Who gets the focus once `key` leaves: the one after it, else the one before, else nobody. */
export function heir(queue: Queued[], key: string): Queued | null {
  const at = queue.findIndex((it) => it.key === key);
  if (at < 0) return queue[0] ?? null;
  return queue[at + 1] ?? queue[at - 1] ?? null;
}

/** One step along the queue, stopping at its ends. */
export function step(queue: Queued[], key: string | null, by: 1 | -1): Queued | null {
  const at = queue.findIndex((it) => it.key === key);
  if (at < 0) return queue[0] ?? null;
  return queue[Math.max(0, Math.min(queue.length - 1, at + by))] ?? null;
}

/** What a key may mean; how a carrier's terms are settled is chosen in the form. */
export type Command =
  | Exclude<InboxAction, "accept_terms" | "refuse_terms" | "accept_document" | "refuse_document" | HeldAction>
  | "next"
  | "previous"
  | "keys"
  | "cancel";

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  /** The key is held down. */
  repeat: boolean;
  /** The person is typing into a field. */
  inField: boolean;
}

const MEANING: Record<string, Command> = {
  a: "approve",
  e: "edit",
  x: "reject",
  r: "resolve",
  j: "next",
  arrowdown: "next",
  k: "previous",
  arrowup: "previous",
  "?": "keys",
  escape: "cancel",
};

/** What a key press asks for, given what the server allows on the focused card. */
export function command(press: Press, allowed: readonly InboxAction[]): Command | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  const meaning = MEANING[press.key.toLowerCase()] ?? null;
  if (meaning === "cancel") return meaning;
  if (meaning === null || press.inField) return null;
  if (meaning === "next" || meaning === "previous") return meaning;
  // A key held down must not approve one card after another.
  if (press.repeat) return null;
  if (meaning === "keys") return meaning;
  return allowed.includes(meaning) ? meaning : null;
}

export const REASONS = [
  ["rate_too_high", "Rate too high"],
  ["wrong_carrier", "Wrong carrier for this load"],
  ["timing", "Times cannot be met"],
  ["customer_request", "The customer asked otherwise"],
  ["handled_elsewhere", "Handled by telephone or elsewhere"],
  ["other", "Other"],
] as const;
export type ReasonCode = (typeof REASONS)[number][0];

/** `rate_too_high: Quote from Tuesday was 1,900`. `null` where "other" says nothing more. */
export function reasonText(code: ReasonCode, text: string): string | null {
  const more = text.trim();
  if (code === "other" && !more) return null;
  return more ? `${code}: ${more}` : code;
}
