import { formatMoney, type Money } from "./money";
import { TimeHere } from "./time-in-zone";

const isMoney = (value: unknown): value is Money =>
  typeof value === "object" &&
  value !== null &&
  "minor" in value &&
  typeof value.minor === "number" &&
  "currency" in value;

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** A value of evidence or of a proposal, as a person reads it. */
export function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className="quiet">none</span>;
  if (isMoney(value)) return <span className="number">{formatMoney(value)}</span>;
  if (typeof value === "string" && INSTANT.test(value)) return <TimeHere at={value} />;
  if (typeof value === "boolean") return <>{value ? "yes" : "no"}</>;
  if (typeof value === "string" || typeof value === "number") return <>{String(value)}</>;
  if (Array.isArray(value) && value.every((it) => typeof it !== "object"))
    return <>{value.join(", ") || "none"}</>;
  return <code className="inline-json">{JSON.stringify(value)}</code>;
}

/** `respond_by` as words. */
export const words = (name: string) =>
  name
    .replaceAll("_", " ")
    .replace(/^./, (it) => it.toUpperCase())
    .replace(/\bscac\b/i, "SCAC");
