// Which vehicles the page shows, and the words for what was refused.

import type { VehicleRow } from "../../api";

export const SHOWS = ["unassigned", "refused"] as const;
export type Show = (typeof SHOWS)[number] | "all";

export const readShow = (text: string | undefined): Show => SHOWS.find((it) => it === text) ?? "all";

const TESTS: Record<Show, (row: VehicleRow) => boolean> = {
  all: () => true,
  unassigned: (row) => !row.load,
  refused: (row) => row.refused > 0,
};

export const select = <Keyed extends { row: VehicleRow }>(rows: readonly Keyed[], show: Show): Keyed[] =>
  rows.filter(({ row }) => TESTS[show](row));

/** `3 positions were not taken; the last: more than a week old`. None where all were. */
export function refusedWords(row: Pick<VehicleRow, "refused" | "refused_last">): string | null {
  if (row.refused === 0) return null;
  const count = row.refused === 1 ? "1 position was not taken" : `${row.refused} positions were not taken`;
  if (!row.refused_last) return `${count}.`;
  return row.refused === 1 ? `${count}: ${row.refused_last}` : `${count}; the last: ${row.refused_last}`;
}
