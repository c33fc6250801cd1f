// The board's filter: what a person types, what the address says, and what a load must be. One meaning, three forms.

import type { BoardRow, LoadStatus } from "../../api";
import type { Drill } from "../kpi/figures";

export const STATUSES: readonly LoadStatus[] = [
  "exception",
  "awaiting_approval",
  "held",
  "tendering",
  "planned",
  "covered",
  "cancelled",
];

export const SORTS = [
  "urgency",
  "reference",
  "customer",
  "lane",
  "pickup",
  "carrier",
  "respond_by",
  "expected",
  "rate",
  "invoice",
  "exceptions",
  "updated",
] as const;
export type Sort = (typeof SORTS)[number];

export const READINESS = ["ready", "missing"] as const;
export type Readiness = (typeof READINESS)[number];

export interface Filters {
  status: LoadStatus[];
  customer: string | null;
  carrier: string | null;
  text: string | null;
  invoice: Readiness | null;
  sort: Sort;
  descending: boolean;
  /** The loads behind a key figure, and no others. */
  drill: Drill | null;
}

/** As in the address. What is usual is left out. */
export interface BoardSearch {
  status?: string;
  customer?: string;
  carrier?: string;
  text?: string;
  invoice?: string;
  sort?: string;
  kpi?: string;
  part?: string;
  from?: string;
  to?: string;
  /** `open` while the map is. */
  map?: string;
  /** The load that is looked at. */
  load?: string;
}

export const EVERYTHING: Filters = {
  status: [],
  customer: null,
  carrier: null,
  text: null,
  invoice: null,
  sort: "urgency",
  descending: false,
  drill: null,
};

const word = (value: unknown): string | null => {
  // The address may hold `text=12345`, which a router reads as a number.
  if (typeof value !== "string" && typeof value !== "number") return null;
  return String(value).trim() || null;
};

/** Whatever the address holds becomes a filter that means something; the rest is passed over. */
export function fromSearch(search: Record<string, unknown>): Filters {
  const named = (word(search.status) ?? "").split(",");
  const sort = word(search.sort) ?? "";
  const column = sort.replace(/^-/, "");
  const known = SORTS.find((it) => it === column);
  return {
    status: STATUSES.filter((it) => named.includes(it)),
    customer: word(search.customer),
    carrier: word(search.carrier),
    text: word(search.text),
    invoice: READINESS.find((it) => it === word(search.invoice)) ?? null,
    sort: known ?? "urgency",
    descending: known !== undefined && sort.startsWith("-"),
    drill: drillFrom(search),
  };
}

function drillFrom(search: Record<string, unknown>): Drill | null {
  const [kpi, from, to] = [word(search.kpi), word(search.from), word(search.to)];
  return kpi && from && to ? { kpi, part: word(search.part) ?? "counted", from, to } : null;
}

export function toSearch(filters: Filters): BoardSearch {
  const search: BoardSearch = {};
  if (filters.status.length > 0) search.status = filters.status.join(",");
  if (filters.customer) search.customer = filters.customer;
  if (filters.carrier) search.carrier = filters.carrier;
  if (filters.text) search.text = filters.text;
  if (filters.invoice) search.invoice = filters.invoice;
  if (filters.sort !== "urgency" || filters.descending)
    search.sort = (filters.descending ? "-" : "") + filters.sort;
  return { ...search, ...filters.drill };
}

/** What a person typed: `status:covered customer:"Acme Paper" rumford`. Sorting is not typed; it stays as it was. */
export function parseTokens(typed: string, before: Filters): { filters: Filters; unknown: string[] } {
  const filters: Filters = {
    ...EVERYTHING,
    sort: before.sort,
    descending: before.descending,
    drill: before.drill,
  };
  const unknown: string[] = [];
  const words: string[] = [];
  const status = new Set<LoadStatus>();
  for (const token of typed.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []) {
    const [, field, quoted = ""] = /^(status|customer|carrier|invoice|text):(.*)$/i.exec(token) ?? [];
    const value = (field ? quoted : token).replaceAll('"', "").trim();
    if (!value) continue;
    if (!field) words.push(value);
    else if (field.toLowerCase() === "invoice") {
      filters.invoice = READINESS.find((it) => it.startsWith(value.toLowerCase())) ?? null;
      if (!filters.invoice) unknown.push(`invoice:${value}`);
    } else if (field.toLowerCase() !== "status") readField(filters, words, field.toLowerCase(), value);
    else {
      for (const name of value.toLowerCase().split(",").filter(Boolean)) {
        const matches = STATUSES.filter((it) => it.startsWith(name));
        for (const match of matches) status.add(match);
        if (matches.length === 0) unknown.push(`status:${name}`);
      }
    }
  }
  filters.status = STATUSES.filter((it) => status.has(it));
  filters.text = words.join(" ") || null;
  return { filters, unknown };
}

function readField(filters: Filters, words: string[], field: string, value: string): void {
  if (field === "customer") filters.customer = value;
  else if (field === "carrier") filters.carrier = value;
  else words.push(value);
}

export function formatTokens(filters: Filters): string {
  const quote = (value: string) => (/[\s":]/.test(value) ? `"${value.replaceAll('"', "")}"` : value);
  const tokens: string[] = [];
  if (filters.status.length > 0) tokens.push(`status:${filters.status.join(",")}`);
  if (filters.customer) tokens.push(`customer:${quote(filters.customer)}`);
  if (filters.carrier) tokens.push(`carrier:${quote(filters.carrier)}`);
  if (filters.invoice) tokens.push(`invoice:${filters.invoice}`);
  if (filters.text) tokens.push(filters.text);
  return tokens.join(" ");
}

/** The test a load must pass, made once per filter. */
export function matcher(filters: Filters): (row: BoardRow) => boolean {
  const status = new Set(filters.status);
  const customer = filters.customer?.toLowerCase();
  const carrier = filters.carrier?.toLowerCase();
  const words = (filters.text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return (row) => {
    if (status.size > 0 && !status.has(row.status)) return false;
    if (filters.invoice && readiness(row) !== filters.invoice) return false;
    if (customer && !row.customer.toLowerCase().includes(customer)) return false;
    if (carrier && !carrierWords(row).includes(carrier)) return false;
    if (words.length === 0) return true;
    const text =
      `${row.reference} ${row.load} ${row.customer} ${row.lane} ${row.origin} ${row.destination} ${carrierWords(row)}`.toLowerCase();
    return words.every((it) => text.includes(it));
  };
}

/** None before the load is delivered or a proof of it came. */
export function readiness({ invoice }: BoardRow): Readiness | null {
  if (!invoice) return null;
  return invoice.ready ? "ready" : "missing";
}

function carrierWords(row: BoardRow): string {
  return `${row.carrier ?? ""} ${row.offer?.carrier ?? ""} ${row.offer?.scac ?? ""}`.toLowerCase();
}
