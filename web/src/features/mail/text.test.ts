import { expect, test } from "vitest";
import type { MailBody } from "../../api";
import { findings, quoted, stretches } from "./text";

const TEXT = "🚚 late\n\nstuck at the receiver since 9:40 \u202edna <b>x</b>";
const at = (words: string) => {
  const start = Array.from(TEXT.slice(0, TEXT.indexOf(words))).length;
  return { start, end: start + Array.from(words).length };
};
const moment = { at: "2026-11-24T15:40:00Z", zone: "America/Chicago", basis: "assumed" as const };
const mail = {
  sections: [
    { kind: "subject", ...at("🚚 late") },
    { kind: "own", ...at("stuck at the receiver since 9:40 \u202edna <b>x</b>") },
  ],
  reading: { words: [at("stuck at the")] },
  facts: [
    { fact: "time", role: "since", moment, local: "Tue 24 Nov 09:40 CST", ...at("since 9:40") },
    { fact: "place", stop: 2, kind: "delivery", label: "Dallas, TX", ...at("the receiver") },
  ],
} as unknown as MailBody;

test("every finding stands at its characters, also behind letters of two halves and where two overlap", () => {
  const found = findings(mail);
  expect(found.map((it) => [it.kind, quoted(TEXT, it.span)])).toEqual([
    ["intent", "stuck at the"],
    ["place", "the receiver"],
    ["time", "since 9:40"],
  ]);
  const cut = stretches(TEXT, found, mail.sections);
  expect(cut.filter((it) => it.marks.length > 0).map((it) => [it.text, it.marks])).toEqual([
    ["stuck at ", [1]],
    ["the", [1, 2]],
    [" receiver", [2]],
    ["since 9:40", [3]],
  ]);
  expect(cut.find((it) => it.section === "subject")?.text).toBe("🚚 late");
});

test("nothing is lost, and what would turn the line round is shown", () => {
  const all = stretches(TEXT, findings(mail), mail.sections).map((it) => it.text);
  expect(all.join("")).toBe(TEXT.replace("\u202e", "\ufffd"));
});

test("spans beyond the text cut nothing off", () => {
  const found = findings({
    ...mail,
    facts: [],
    reading: { ...mail.reading, words: [{ start: 3, end: 999 }] },
  });
  expect(stretches("abcdef", found, []).map((it) => it.text)).toEqual(["abc", "def"]);
});
