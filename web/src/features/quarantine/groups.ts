// Messages that could not be read, grouped by what is wrong: one cause is usually one fix.

import type { Issue, QuarantineRow } from "../../api";

export interface Group {
  code: string;
  /** The first message's words for it. */
  why: string;
  messages: { key: string; row: QuarantineRow }[];
}

const WEIGHT: Record<Issue["severity"], number> = { fatal: 0, warning: 1, forgiven: 2 };

/** What stopped the message: its gravest issue, the first of those. */
export function cause(issues: readonly Issue[]): Issue | null {
  return [...issues].sort((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity])[0] ?? null;
}

/** Most frequent cause first, and within it the newest message first. */
export function group(rows: Iterable<[string, QuarantineRow]>): Group[] {
  const groups = new Map<string, Group>();
  for (const [key, row] of rows) {
    const issue = cause(row.issues);
    const code = issue?.code ?? "unknown";
    const known = groups.get(code) ?? { code, why: issue?.why ?? "No cause was recorded.", messages: [] };
    known.messages.push({ key, row });
    groups.set(code, known);
  }
  for (const it of groups.values())
    it.messages.sort((a, b) => b.row.received_at.localeCompare(a.row.received_at));
  return [...groups.values()].sort(
    (a, b) => b.messages.length - a.messages.length || a.code.localeCompare(b.code),
  );
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
