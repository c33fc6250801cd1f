// Trips in words: how late, where from, how far. No DOM and no clock, so that tests can ask.

import type { components } from "../api.gen";

type Schemas = components["schemas"];
export type Trip = Schemas["TripBody"];
export type TripStop = Schemas["TripStop"];
export type TripRow = Schemas["TripRow"];
export type Estimate = Schemas["EstimateBody"];
export type Coordinates = Schemas["CoordinatesBody"];

/** How late something is against what was promised. Colour is never alone: the words say it too. */
export interface Lateness {
  isLate: boolean;
  text: string;
}

const MINUTE_MS = 60_000;
/** As long as this either way is on time. */
const ON_TIME_MS = MINUTE_MS;

/** `1 h 05 min late`, `on time`, `35 min early`; minutes are enough. None where either is unknown. */
export function lateness(at: string, promised: string | null | undefined): Lateness | null {
  const over = Date.parse(at) - Date.parse(promised ?? "");
  if (!Number.isFinite(over)) return null;
  if (Math.abs(over) < ON_TIME_MS) return { isLate: false, text: "on time" };
  return {
    isLate: over > 0,
    text: `${formatMinutes(Math.abs(over) / MINUTE_MS)} ${over > 0 ? "late" : "early"}`,
  };
}

/** `45 min`, `2 h 05 min`, `26 h 00 min`: in hours, as the exceptions' titles say it. */
export function formatMinutes(minutes: number): string {
  const whole = Math.floor(minutes);
  if (whole < 60) return `${whole} min`;
  return `${Math.floor(whole / 60)} h ${String(whole % 60).padStart(2, "0")} min`;
}

/** How an estimate was come by, before its age. */
export function estimateSource(
  estimate: Pick<Estimate, "position">,
  vehicle: string | null | undefined,
): string {
  if (!estimate.position) return "by the carrier's status message";
  return vehicle ? `from a position of vehicle ${vehicle}` : "from a position";
}

/** Why nothing is expected at a stop, and what would help. */
export function whyNoEstimate(trip: Trip, stop: TripStop): string {
  if (trip.unplaced.includes(stop.sequence))
    return "No estimate: nobody knows where this stop lies. Add it as a site.";
  if (trip.completed) return "No estimate: the trip is over.";
  if (!trip.vehicle) return "No estimate: no vehicle is assigned.";
  if (!trip.position) return "No estimate: no position yet.";
  if (trip.stops.some((it) => it.sequence > stop.sequence && it.estimated))
    return "No estimate: the vehicle is taken to be past this stop.";
  return "No estimate: no position of the vehicle could be used yet.";
}

const ACTUAL_SOURCES: Record<string, string> = {
  geofence: "by the vehicle's positions",
  status: "by the carrier's status message",
  mail: "by a mail",
};
export const actualSource = (source: string) => ACTUAL_SOURCES[source] ?? `by ${source}`;

const BASES: Record<string, string> = {
  command: "assigned by a person or system",
  carrier_answer: "named in the carrier's answer",
  status_equipment: "named in the carrier's status message",
};
export const assignmentBasis = (basis: string) => BASES[basis] ?? basis.replaceAll("_", " ");

/** `42.7000° N, 74.2000° W` */
export function formatPlace({ latitude_deg, longitude_deg }: Coordinates): string {
  const north = `${Math.abs(latitude_deg).toFixed(4)}° ${latitude_deg < 0 ? "S" : "N"}`;
  return `${north}, ${Math.abs(longitude_deg).toFixed(4)}° ${longitude_deg < 0 ? "W" : "E"}`;
}

export const isPlace = (value: unknown): value is Coordinates =>
  typeof value === "object" &&
  value !== null &&
  "latitude_deg" in value &&
  typeof value.latitude_deg === "number" &&
  "longitude_deg" in value &&
  typeof value.longitude_deg === "number";

/** What the board's cell says of a trip: a word, perhaps a time, and whether it is late. */
export interface Expected {
  word: "Late" | "Overdue" | "Arrived" | "Expected" | "Done" | "No estimate";
  at: string | null;
  isLate: boolean;
}

export function expected(trip: TripRow | null | undefined): Expected | null {
  if (!trip) return null;
  if (trip.arrived) return { word: "Arrived", at: trip.arrived, isLate: false };
  if (trip.completed) return { word: "Done", at: null, isLate: false };
  if (trip.late) return { word: trip.eta ? "Late" : "Overdue", at: trip.eta ?? null, isLate: true };
  if (trip.eta) return { word: "Expected", at: trip.eta, isLate: false };
  return { word: "No estimate", at: null, isLate: false };
}

/** Evidence under the names `engine` gives it, as a person reads it. */
export interface Line {
  what: string;
  text?: string;
  /** An instant, to be shown in `zone`, or in the viewer's where that is not given. */
  at?: string;
  zone?: string;
  source: string;
}

const NAMES: Record<string, string> = {
  stop: "Stop",
  promised: "Promised by",
  expected: "Expected at",
  "hardly before": "Hardly before",
  "hardly after": "Hardly after",
  "late by minutes": "Late by",
  "computed from": "Rests on what was known at",
  "age of the position in minutes": "Age of that when this was raised",
  method: "How it was computed",
  position: "Vehicle's position then",
  "kilometres to go": "Way to go",
  "place of the stop": "Place of the stop, from",
  "no estimate": "Why there is no estimate",
  overdue: "Overdue",
  notice: "Notice to the customer",
};
const AT_STOP = ["promised", "expected", "hardly before", "hardly after"];
const SOURCES: Record<string, string> = {
  advice: "computed",
  clock: "the clock",
  order: "the order",
  notices: "what was sent",
};
/** What a person asks first comes first. */
const ORDER = Object.keys(NAMES);
const FIRST = ["promised", "expected", "late by minutes", "overdue", "no estimate", "notice"];

/** The evidence of a late delivery: promised, expected and lateness first, times at the stop in the stop's zone. */
export function lateEvidence(evidence: readonly { what: string; value: unknown; source: string }[]): Line[] {
  const zone = evidence.find((it) => it.what === "promised in the zone")?.value;
  const isOverdue = evidence.some((it) => it.what === "overdue");
  const rank = (what: string) => {
    const first = FIRST.indexOf(what);
    if (first >= 0) return first - FIRST.length;
    const known = ORDER.indexOf(what);
    return known < 0 ? ORDER.length : known;
  };
  return (
    evidence
      .filter((it) => it.what !== "promised in the zone")
      // An overdue delivery without an estimate is late by nobody knows how much.
      .filter((it) => !(it.what === "late by minutes" && it.value === 0 && isOverdue))
      .sort((one, other) => rank(one.what) - rank(other.what))
      .map((it) => line(it, typeof zone === "string" ? zone : undefined))
  );
}

function line(
  { what, value, source }: { what: string; value: unknown; source: string },
  zone?: string,
): Line {
  const told = { what: NAMES[what] ?? what, source: SOURCES[source] ?? source };
  const isInstant = AT_STOP.includes(what) || what === "computed from";
  if (isInstant && typeof value === "string")
    return { ...told, at: value, ...(AT_STOP.includes(what) && zone && { zone }) };
  if (typeof value === "number" && /minutes$/.test(what)) return { ...told, text: formatMinutes(value) };
  if (typeof value === "number" && what === "kilometres to go") return { ...told, text: `${value} km` };
  if (what === "overdue") return { ...told, text: "yes; nobody has said that the vehicle arrived" };
  if (isPlace(value)) return { ...told, text: formatPlace(value) };
  return { ...told, text: typeof value === "object" ? JSON.stringify(value) : String(value) };
}
