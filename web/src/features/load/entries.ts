// The timeline as data: numbered, filtered and selected by what the address says.

import type { EntryKind, TimelineEntry } from "../../api";

export const KINDS: readonly EntryKind[] = ["event", "decision", "effect", "touch"];

export interface Numbered extends TimelineEntry {
  /** One turn writes several entries under one sequence: `1042.0`, `1042.1`. */
  id: string;
}

export function number(entries: readonly TimelineEntry[]): Numbered[] {
  const seen = new Map<number, number>();
  return entries.map((entry) => {
    const nth = seen.get(entry.seq) ?? 0;
    seen.set(entry.seq, nth + 1);
    return { ...entry, id: `${entry.seq}.${nth}` };
  });
}

/** The kinds asked for; none asked for means all. */
export function readKinds(text: string | undefined): EntryKind[] {
  const named = (text ?? "").split(",");
  return KINDS.filter((it) => named.includes(it));
}

export function toggleKind(kinds: readonly EntryKind[], kind: EntryKind): string | undefined {
  const next = KINDS.filter((it) => (it === kind ? !kinds.includes(it) : kinds.includes(it)));
  return next.length === 0 || next.length === KINDS.length ? undefined : next.join(",");
}

export function filterKinds(entries: readonly Numbered[], kinds: readonly EntryKind[]): Numbered[] {
  return kinds.length === 0 ? [...entries] : entries.filter((it) => kinds.includes(it.kind));
}
