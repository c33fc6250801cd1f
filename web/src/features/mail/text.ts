// A mail's text cut where something was read in it. No DOM, so that tests can ask.

import type { MailBody, MailFact, MailSpan } from "../../api";

/** What stands at a place of the text. */
export type Found = { kind: MailFact["fact"] | "intent"; span: MailSpan; fact: MailFact | null };

export interface Stretch {
  text: string;
  /** Numbers of what was found here, from 1 on, as the list beside it counts them. */
  marks: number[];
  section: MailBody["sections"][number]["kind"] | null;
  start: number;
}

/** The words that decided, then the facts, in the order of the text. */
export function findings(mail: MailBody): Found[] {
  const words = (mail.reading.words ?? []).map((span): Found => ({ kind: "intent", span, fact: null }));
  const facts = mail.facts.map((fact): Found => ({ kind: fact.fact, span: fact, fact }));
  return [...words, ...facts].sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
}

/** Cuts the text at every end of a finding or a section. Places count Unicode characters. */
export function stretches(text: string, found: Found[], sections: MailBody["sections"]): Stretch[] {
  const letters = Array.from(text);
  const ends = new Set([0, letters.length]);
  for (const { start, end } of [...found.map((it) => it.span), ...sections]) {
    ends.add(Math.min(Math.max(start, 0), letters.length));
    ends.add(Math.min(Math.max(end, 0), letters.length));
  }
  const cuts = [...ends].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((start, at) => {
    const end = cuts[at + 1] ?? letters.length;
    const holds = (span: MailSpan) => span.start <= start && end <= span.end;
    return {
      text: letters.slice(start, end).map(visible).join(""),
      marks: found.flatMap((it, index) => (holds(it.span) ? [index + 1] : [])),
      section: sections.find(holds)?.kind ?? null,
      start,
    };
  });
}

export const quoted = (text: string, { start, end }: MailSpan) =>
  Array.from(text).slice(start, end).map(visible).join("");

/** Letters that hide or turn others round are shown as what they are: something that does not belong there. */
function visible(letter: string): string {
  return /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u.test(letter) && !/[\n\r\t]/.test(letter)
    ? "\ufffd"
    : letter;
}

/** What the server writes in the place of a text that this reader does not see. */
export function unread(text: string): "erased" | "hidden" | null {
  if (text === "(erased)") return "erased";
  return text === "•••" ? "hidden" : null;
}
