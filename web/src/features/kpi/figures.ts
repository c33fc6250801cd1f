// How a figure is written: its value, what it was counted from, and where it goes.

import type { components } from "../../api.gen";

export type Kpi = components["schemas"]["KpiBody"];
export type Kpis = components["schemas"]["Kpis"];
export type Figure = components["schemas"]["FigureBody"];

/** The loads behind a figure: as in the address, so that a link means the same loads to everybody. */
export interface Drill {
  kpi: string;
  part: string;
  from: string;
  to: string;
}

const count = new Intl.NumberFormat("en-US");
const tenth = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const hundredth = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

/** `86.4 %`, `1 h 05 min`, `0.42`; a dash where there was nothing to divide by. */
export function formatValue(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return "–";
  switch (unit) {
    case "share":
      return `${tenth.format(value * 100)} %`;
    case "minutes":
      return formatMinutes(value);
    default:
      return Number.isInteger(value) ? count.format(value) : hundredth.format(value);
  }
}

function formatMinutes(value: number): string {
  if (value < 1) return `${Math.round(value * 60)} s`;
  if (value < 60) return `${tenth.format(value)} min`;
  const minutes = Math.round(value);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${tenth.format(minutes / 60 / 24)} d`;
}

/** `19 of 22`, `22 loads`; nothing for what divides nothing. */
export function formatCounted({ unit, now }: Pick<Kpi, "unit" | "now">): string {
  if (now.denominator === null || now.denominator === undefined) return "now";
  if (now.denominator === 0) return "none yet";
  if (unit === "share") return `${count.format(now.numerator)} of ${count.format(now.denominator)}`;
  return `${count.format(now.denominator)} ${now.denominator === 1 ? "load" : "loads"}`;
}

export interface Trend {
  direction: "up" | "down" | "level";
  /** Whether that is good news. */
  tone: "good" | "bad" | "level";
  text: string;
}

/** Against the period before; none where either had nothing to count. */
export function trend(kpi: Pick<Kpi, "unit" | "better" | "change">): Trend | null {
  const { change } = kpi;
  if (change === null || change === undefined) return null;
  const shown =
    kpi.unit === "share"
      ? `${tenth.format(Math.abs(change) * 100)} pt`
      : formatValue(Math.abs(change), kpi.unit);
  if (Math.abs(change) < (kpi.unit === "share" ? 0.0005 : 0.005))
    return { direction: "level", tone: "level", text: "as before" };
  const direction = change > 0 ? "up" : "down";
  const tone = (kpi.better === "higher") === change > 0 ? "good" : "bad";
  return { direction, tone, text: shown };
}

export const HOURS = [24, 24 * 7, 24 * 30] as const;

export function formatHours(hours: number): string {
  return hours === 24 ? "24 hours" : `${hours / 24} days`;
}
