// The server's contract as the console uses it. All calls go through here: paths, parameters and bodies are checked
// against the generated contract; what comes back is read as the types below, which name what the screens rely on.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.gen";
import { token } from "./app/session";
import type { Money } from "./kit/money";
import type { Moment } from "./kit/time";
import type { Trip, TripRow } from "./kit/trip";

export type LoadStatus =
  | "planned"
  | "tendering"
  | "held"
  | "awaiting_approval"
  | "covered"
  | "exception"
  | "cancelled";
export type Severity = "low" | "medium" | "high";

export interface Me {
  tenant: { id: string; name: string };
  actor: { name: string; roles: string[] };
  brand: { name: string };
}

export interface OpenOffer {
  carrier: string;
  scac: string;
  rank: number;
  rate: Money;
  respond_by: string;
}

export interface BoardRow {
  load: string;
  reference: string;
  customer: string;
  status: LoadStatus;
  lane: string;
  origin: string;
  destination: string;
  pickup: Moment | null;
  delivery: Moment | null;
  carrier: string | null;
  offer: OpenOffer | null;
  rate: Money | null;
  exceptions: number;
  updated_at: string;
  playbook: string | null;
  /** Loads with high priority that still need a carrier come first. */
  priority?: "normal" | "high";
  trip?: TripRow | null;
  invoice?: InvoiceReadiness | null;
}

export type InvoiceReadiness = components["schemas"]["InvoiceReadiness"];
export type DocumentBody = components["schemas"]["DocumentBody"];

export type VehicleRow = components["schemas"]["VehicleRow"];

export interface Evidence {
  what: string;
  value: unknown;
  source: string;
}

export type ResolutionChoice = components["schemas"]["ChoiceWord"];
/** What may be done about something that automation holds back. */
export type HeldAction = "do" | "skip" | "take_over" | "cover";
export type InboxAction =
  | "approve"
  | "edit"
  | "reject"
  | "resolve"
  | HeldAction
  | Exclude<ResolutionChoice, "done">;

export type AutomationMode = components["schemas"]["ModeWord"];
export type Automation = components["schemas"]["AutomationBody"];

/** What resuming would do about one held thing. */
export interface Rehearsed {
  held: string;
  load: string;
  title: string;
  then: "goes_on" | "dropped" | "waits";
  why: string;
}

export interface InboxItem {
  kind: "approval" | "exception" | "held";
  /** Of its load; high comes first. */
  priority?: "normal" | "high";
  /** Of something held: the mode that held it. */
  mode?: AutomationMode | null;
  playbook?: string | null;
  /** Of an exception, which. */
  exception?: string | null;
  id: string;
  load: string;
  reference: string;
  title: string;
  severity: Severity;
  requested_at: string;
  deadline: string | null;
  role: string | null;
  evidence: Evidence[];
  proposal: Record<string, unknown> | null;
  rule: string | null;
  next_action: string | null;
  /** Mails that an exception rests on; their texts are asked for. */
  mails?: { message: string }[];
  allowed_actions: InboxAction[];
}

export interface Stop {
  sequence: number;
  kind: "pickup" | "delivery" | "other";
  location: {
    name: string;
    address: string[];
    city: string;
    region: string;
    postal_code: string;
    country: string;
    zone: string | null;
  };
  window: { earliest: Moment | null; latest: Moment | null };
  references: { system: string; type: string; value: string }[];
  weight: { grams: number; original: string } | null;
  pieces: number | null;
}

export interface Offer {
  id: string;
  carrier: string;
  carrier_name?: string;
  scac: string;
  rank: number;
  rate: Money;
  respond_by: string;
  respond_by_basis: "message" | "contract" | "default" | "expedited";
  state: string;
}

/** A truck that fits a load. */
export interface Candidate {
  statement: string;
  scac: string;
  place: string;
  distance_m: number;
  arrives: string;
  /** Seconds since it was stated. */
  age_s: number;
  stated_by: string;
  on_guide: boolean;
  rate: Money;
}

interface CapacityHold {
  statement: string;
  scac: string;
  need: { load: string; reference: string; customer: string; pickup: string };
}

/** What free capacity came to for a load. */
export interface Expedite {
  search: {
    candidates: Candidate[];
    left_out: { scac: string; place: string; why: string }[];
    not_shown?: number;
  };
  hold: CapacityHold | null;
  /** Why nothing is held. */
  refused: string | null;
  displaceable: { hold: CapacityHold; candidate: Candidate } | null;
  /** The reference of the load whose truck this one got. */
  displaced: string | null;
  gave_way_to: { load: string; reference: string; approved_by: { name: string } } | null;
}

export interface LoadDetail {
  load: {
    id: string;
    reference: string;
    stops: Stop[];
    equipment: { kind: string; code: string | null };
    rate: Money | null;
    respond_by: Moment | null;
    priority: "normal" | "high";
  };
  order: { id: string; customer: string; customer_name?: string; reference: string } | null;
  shipment: {
    id: string;
    weight: { original: string } | null;
    pieces: number | null;
    goods: { description: string }[];
  } | null;
  tender: { id?: string; playbook?: string; offers: Offer[] } | null;
  status: LoadStatus;
  exceptions: { id: string; title: string; severity: Severity; next_action?: string; raised_at?: string }[];
  approvals: { id: string; title: string; deadline?: string; role?: string }[];
  held: { id: string; title: string; since: string; mode: AutomationMode }[];
  expedite?: Expedite | null;
  trip?: Trip | null;
  documents?: DocumentBody[];
  invoice?: InvoiceReadiness | null;
  allowed_actions: string[];
}

export interface MailSpan {
  /** In Unicode characters of the text; `end` is the first one past it. */
  start: number;
  end: number;
}

export type MailFact = MailSpan &
  (
    | { fact: "reference"; value: string; is_load: boolean }
    | { fact: "time"; role: "since" | "until" | "expected" | "at"; moment: Moment; local: string }
    | { fact: "place"; stop: number; kind: Stop["kind"]; label: string }
    | { fact: "duration"; minutes: number }
    | { fact: "amount"; money: Money }
    | { fact: "temperature"; tenths_celsius: number }
  );

export interface MailBody {
  from: string;
  sender: { partner?: string; proof: "proved" | "unproved" | "failed" };
  sent: string;
  text: string;
  sections: (MailSpan & { kind: "subject" | "own" | "quoted" | "signature" })[];
  facts: MailFact[];
  attachments?: { media_type: string; bytes: number; name?: string }[];
  reading: {
    intent: string;
    means: "rules" | "classifier" | "nobody";
    confidence_pct?: number | null;
    urgency: "low" | "normal" | "high";
    rule: string;
    words?: MailSpan[];
  };
  summary: string;
  /** Who said that it is about this load, where its numbers fitted several. */
  chosen_by?: { name: string };
}

export interface MailEntry {
  message: string;
  sender_name: string | null;
  exception: { id: string; kind: string; title: string; next_action: string; is_open: boolean } | null;
  questions: { id: string; title: string; role: string; deadline: string }[];
  mail: MailBody;
  advice: { summary: string; draft?: string; model: string } | null;
}

export type EntryKind = "event" | "decision" | "effect" | "touch";

export interface TimelineEntry {
  seq: number;
  at: string;
  actor: { kind: string; name: string };
  kind: EntryKind;
  name: string;
  summary: string;
  data: unknown;
  evidence?: Evidence[];
  state?: string;
}

export interface Issue {
  severity: "forgiven" | "warning" | "fatal";
  code: string;
  at: string;
  why: string;
  fix: string;
}

export interface QuarantineRow {
  message: string;
  source: string;
  received_at: string;
  content_type: string;
  bytes: number;
  issues: Issue[];
  /** Of a mail that fits several loads: those that a person may choose from. */
  loads?: { load: string; reference: string; called: string; customer: string; lane: string }[];
}

export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  code?: string;
  issues?: Issue[];
}

export interface ViewPage<Row> {
  position: number;
  total: number;
  rows: { key: string; row: Row }[];
}

export interface Decision {
  decision: "approve" | "reject";
  edit?: { rate_minor: number } | { subject: string; body: string };
  reason?: string;
  in_hand_ms?: number;
}
export interface Outcome {
  outcome: string;
  seq: number;
}

/** A refusal by the server, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
    this.problem = problem;
  }
}

let onUnauthorized: () => void = () => undefined;
/** Called once a request finds that the token is no longer good. */
export function whenUnauthorized(listener: () => void): void {
  onUnauthorized = listener;
}

/** `fetch` with the token, where every failure is an `ApiError` that says what happened. */
export async function authorizedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const sent = token();
  if (sent) request.headers.set("Authorization", `Bearer ${sent}`);
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError({
      title: "The server did not answer.",
      status: 0,
      detail: "The server did not answer. Check the connection and try again.",
    });
  }
  if (response.ok) return response;
  if (response.status === 401 && sent === token()) onUnauthorized();
  throw new ApiError(await readProblem(response));
}

async function readProblem(response: Response): Promise<Problem> {
  const title = `The server answered ${response.status}.`;
  try {
    const body = (await response.json()) as Partial<Problem>;
    return { ...body, title: body.title ?? title, status: response.status };
  } catch {
    return { title, status: response.status };
  }
}

const client = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  fetch: (request: Request) => authorizedFetch(request),
});

async function body<T>(answer: Promise<{ data?: unknown }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new ApiError({ title: "The server's answer was empty.", status: 0 });
  return data as T;
}

export const readMe = () => body<Me>(client.GET("/api/v1/me"));
export const readLoad = (id: string) =>
  body<LoadDetail>(client.GET("/api/v1/loads/{id}", { params: { path: { id } } }));
export const readMails = (id: string) =>
  body<{ mails: MailEntry[] }>(client.GET("/api/v1/loads/{id}/mails", { params: { path: { id } } }));
export const readTimeline = (id: string) =>
  body<{ entries: TimelineEntry[] }>(client.GET("/api/v1/loads/{id}/timeline", { params: { path: { id } } }));

/** The key figures of the last so many hours. */
export const readKpis = (hours: number) =>
  body<components["schemas"]["Kpis"]>(client.GET("/api/v1/kpis", { params: { query: { hours } } }));

/** The board's rows of the loads behind one figure. */
export const readDrill = (drill: { kpi: string; part: string; from: string; to: string }) =>
  body<ViewPage<BoardRow>>(
    client.GET("/api/v1/board", { params: { query: { ...drill, limit: PAGE_ROWS } } }),
  );

/** Where a load goes and where its vehicle has been. */
export const readPath = (id: string) =>
  body<components["schemas"]["PathBody"]>(
    client.GET("/api/v1/loads/{id}/path", { params: { path: { id } } }),
  );

/** Vehicles that report positions, the latest first. */
export const readVehicles = () =>
  body<ViewPage<VehicleRow>>(client.GET("/api/v1/vehicles", { params: { query: { limit: VEHICLES_MAX } } }));

/** Vehicles shown at most; the answer says how many there are. */
export const VEHICLES_MAX = 1_000;
/** As many rows as a page may hold. */
const PAGE_ROWS = 10_000;
/** Pages of a snapshot at most: a million loads do not fit a browser. */
const PAGES_MAX = 20;

export type View = "board" | "inbox" | "quarantine" | "vehicles";

/** A whole view. Read as one page where it fits, which is then exact at its position. */
export async function readView(view: View): Promise<ViewPage<unknown>[]> {
  const pages: ViewPage<unknown>[] = [];
  for (let read = 0; pages.length < PAGES_MAX; ) {
    const params = { query: { limit: PAGE_ROWS, offset: read } };
    const page = await body<ViewPage<unknown>>(client.GET(`/api/v1/${view}`, { params }));
    pages.push(page);
    read += page.rows.length;
    if (page.rows.length === 0 || read >= page.total) break;
  }
  return pages;
}

/** The same wish sent again after a lost answer goes under the same key and with the same body. */
const wishes = new Map<string, { key: string; body: unknown }>();

async function post<Body, T>(
  wish: string,
  content: Body,
  send: (content: Body, header: { "Idempotency-Key": string }) => Promise<T>,
): Promise<T> {
  const known = wishes.get(wish) ?? { key: newKey(), body: content };
  wishes.set(wish, known);
  try {
    const answer = await send(known.body as Body, { "Idempotency-Key": known.key });
    wishes.delete(wish);
    return answer;
  } catch (error) {
    const settled =
      error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
    if (settled) wishes.delete(wish);
    throw error;
  }
}

export const decide = (id: string, decision: Decision) =>
  post(`decide ${id} ${JSON.stringify({ ...decision, in_hand_ms: 0 })}`, decision, (it, header) =>
    body<Outcome>(
      client.POST("/api/v1/approvals/{id}/decision", { params: { path: { id }, header }, body: it }),
    ),
  );

export const resolve = (id: string, resolution: string, choice: ResolutionChoice, in_hand_ms?: number) =>
  post(`resolve ${id} ${choice} ${resolution}`, { resolution, choice, in_hand_ms }, (it, header) =>
    body<Outcome>(
      client.POST("/api/v1/exceptions/{id}/resolution", { params: { path: { id }, header }, body: it }),
    ),
  );

export const reprocess = (id: string, corrected?: string, in_hand_ms?: number) =>
  post(`reprocess ${id} ${corrected ?? ""}`, { corrected, in_hand_ms }, (it, header) =>
    body<Outcome>(
      client.POST("/api/v1/quarantine/{id}/reprocess", { params: { path: { id }, header }, body: it }),
    ),
  );

/** Says which load a mail in quarantine is about. The first to say it counts. */
export const giveToLoad = (id: string, load: string, in_hand_ms?: number) =>
  post(`load of ${id} ${load}`, { load, in_hand_ms }, (it, header) =>
    body<Outcome>(
      client.POST("/api/v1/quarantine/{id}/reprocess", { params: { path: { id }, header }, body: it }),
    ),
  );

/** Attaches a document to a load. The same file again does nothing twice. */
export async function attachDocument(id: string, form: FormData): Promise<Outcome> {
  const path = `/api/v1/loads/${encodeURIComponent(id)}/documents`;
  const headers = { "Idempotency-Key": newKey() };
  return (await authorizedFetch(path, { method: "POST", body: form, headers })).json() as Promise<Outcome>;
}

/** Fetches a document under the token and has the browser save it. */
export async function openDocument(id: string, document: string, name: string): Promise<void> {
  const path = `/api/v1/loads/${encodeURIComponent(id)}/documents/${encodeURIComponent(document)}`;
  const file = await (await authorizedFetch(path)).blob();
  const address = URL.createObjectURL(file);
  const link = Object.assign(globalThis.document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Says which vehicle hauls a load; an empty name takes it off. */
export const assignVehicle = (id: string, vehicle: string) =>
  post(`vehicle ${id} ${vehicle}`, { vehicle }, (it, header) =>
    body<Outcome>(client.PUT("/api/v1/loads/{id}/vehicle", { params: { path: { id }, header }, body: it })),
  );

export const readAutomation = () => body<Automation>(client.GET("/api/v1/automation"));

export interface Switch {
  mode: AutomationMode;
  /** All of the automation where absent. */
  playbook?: string;
  reason: string;
}

export const switchAutomation = (wanted: Switch) =>
  post(`switch ${JSON.stringify(wanted)}`, wanted, (it, header) =>
    body<{ on_the_wire: unknown[] }>(client.PUT("/api/v1/automation", { params: { header }, body: it })),
  );

export const rehearseSwitch = (wanted: Switch) =>
  body<{ held: number; steps: Rehearsed[] }>(
    client.PUT("/api/v1/automation", { body: { ...wanted, dry_run: true } }),
  );

export const decideHeld = (
  id: string,
  choice: Exclude<HeldAction, "cover">,
  reason?: string,
  in_hand_ms?: number,
) =>
  post(`held ${id} ${choice}`, { choice, reason, in_hand_ms }, (it, header) =>
    body<Outcome>(client.POST("/api/v1/held/{id}/decision", { params: { path: { id }, header }, body: it })),
  );

export interface Cover {
  carrier: string;
  rate_minor: number;
  currency: string;
  note?: string;
}

export const coverLoad = (id: string, cover: Cover) =>
  post(`cover ${id} ${JSON.stringify(cover)}`, cover, (it, header) =>
    body<Outcome>(client.POST("/api/v1/loads/{id}/cover", { params: { path: { id }, header }, body: it })),
  );

export const readRaw = async (id: string) =>
  (await authorizedFetch(`/api/v1/messages/${encodeURIComponent(id)}/raw`)).text();
export const readCheckpoint = async () => (await authorizedFetch("/api/v1/audit/checkpoint")).text();
export const readExport = async () => (await authorizedFetch("/api/v1/audit/export")).blob();

export const openLive = (from: number, signal: AbortSignal) =>
  authorizedFetch(`/api/v1/live?from=${from}`, {
    signal,
    headers: { Accept: "text/event-stream" },
    cache: "no-store",
  });

/** `crypto.randomUUID` exists only on secure origins; a console on plain HTTP in a yard has none. */
export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
}
