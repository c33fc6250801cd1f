// Sends a decision and says what came of it. The screen shows success only once the server has said so.

import {
  ApiError,
  decide,
  decideHeld,
  type HeldAction,
  type InboxItem,
  type ResolutionChoice,
  resolve,
} from "../../api";
import type { Wording } from "../../kit/message";
import { formatMoney, type Money } from "../../kit/money";

export type Act =
  | { kind: "approve"; rate?: Money; wording?: Wording }
  | { kind: "reject"; reason: string }
  | { kind: "held"; choice: Exclude<HeldAction, "cover">; reason?: string }
  | { kind: "resolve"; resolution: string; choice: ResolutionChoice };

export interface Answer {
  /** The card needs nobody any more, by us or by another. */
  settled: boolean;
  tone: "good" | "warning" | "danger";
  text: string;
}

export async function perform(item: InboxItem, act: Act, in_hand_ms: number): Promise<Answer> {
  try {
    if (act.kind === "resolve") {
      await resolve(item.id, act.resolution, act.choice, in_hand_ms);
      return good(item, "resolved");
    }
    if (act.kind === "held") {
      await decideHeld(item.id, act.choice, act.reason, in_hand_ms);
      return good(item, HELD[act.choice]);
    }
    if (act.kind === "reject") {
      await decide(item.id, { decision: "reject", reason: act.reason, in_hand_ms });
      return good(item, "rejected");
    }
    const edit = act.rate ? { rate_minor: act.rate.minor } : act.wording;
    await decide(item.id, { decision: "approve", ...(edit && { edit }), in_hand_ms });
    const changed = act.rate ? ` at ${formatMoney(act.rate)}` : act.wording ? " in your words" : "";
    return good(item, `approved${changed}`);
  } catch (error) {
    return refused(item, error);
  }
}

const HELD = { do: "done as it was", skip: "skipped", take_over: "taken over" };

function good(item: InboxItem, done: string): Answer {
  return { settled: true, tone: "good", text: `${item.reference}: ${done}.` };
}

function refused(item: InboxItem, error: unknown): Answer {
  const why = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ApiError))
    return { settled: false, tone: "danger", text: `${item.reference}: not sent. ${why}` };
  const text = `${item.reference}: ${why}`;
  // Conflict: somebody was first. Not found: it ran out and was cleared away.
  if (error.status === 409 || error.status === 404) return { settled: true, tone: "warning", text };
  const issues = (error.problem.issues ?? []).map((it) => `${it.why} ${it.fix}`).join(" ");
  return { settled: false, tone: "danger", text: `${text} ${issues}`.trim() };
}
