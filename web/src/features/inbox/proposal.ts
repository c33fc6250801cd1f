// What will be sent if approved, line by line, whatever the playbook put into it.

import type { Money } from "../../kit/money";
import type { Moment } from "../../kit/time";

export interface Line {
  field: string;
  /** Absent where the proposal adds rather than changes. */
  before?: unknown;
  after: unknown;
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const isMoney = (value: unknown): value is Money =>
  isFields(value) && typeof value.minor === "number" && typeof value.currency === "string";

/** The rate a person may edit, at the top or one level down. */
export function findRate(proposal: Fields | null): Money | null {
  if (!proposal) return null;
  if (isMoney(proposal.rate)) return proposal.rate;
  for (const value of Object.values(proposal)) {
    if (isFields(value) && isMoney(value.rate)) return value.rate;
  }
  return null;
}

/** The proposal as lines. With an edited rate, its line shows both. */
export function lines(proposal: Fields, edited: Money | null = null): Line[] {
  const listed = proposal.changes;
  const found =
    Array.isArray(listed) && listed.every((it) => isFields(it) && typeof it.field === "string")
      ? listed.map((it) => ({
          field: it.field as string,
          before: it.before ?? it.from,
          after: it.after ?? it.to,
        }))
      : flat(proposal, "");
  if (!edited) return found;
  return found.map((line) =>
    /(^|\.)rate$/.test(line.field) && isMoney(line.after) && line.after.minor !== edited.minor
      ? { field: line.field, before: line.after, after: edited }
      : line,
  );
}

function flat(fields: Fields, prefix: string): Line[] {
  return Object.entries(fields).flatMap(([name, value]): Line[] => {
    const field = prefix + name;
    if (isFields(value) && !isMoney(value) && prefix === "") return flat(value, `${name}.`);
    return value === null ? [] : [{ field, after: value }];
  });
}

/** The load that is to give its truck away. */
export interface Displaced {
  load: string;
  reference: string;
  customer: string;
  scac: string;
}

/** Whom a proposal displaces, where it is one of a displacement. */
export function findDisplaced(proposal: Record<string, unknown> | null): Displaced | null {
  const displaces = proposal?.displaces as Partial<Displaced> | undefined;
  if (!displaces?.load) return null;
  const { load, reference = load, customer = "?" } = displaces;
  return { load, reference, customer, scac: String(proposal?.scac ?? "the carrier") };
}

/** A milestone that a mail tells, as a person lets it count. */
export interface Milestone {
  what: "arrived" | "departed" | "delivered";
  place: string;
  at: Moment;
}

/** The milestone that a proposal would record, where it is one of that. */
export function findMilestone(proposal: Record<string, unknown> | null): Milestone | null {
  const { what, at } = (proposal?.milestone ?? {}) as Partial<Milestone>;
  return what && at ? { what, at, place: String(proposal?.place ?? "its stop") } : null;
}
