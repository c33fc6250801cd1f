// The small readings of the other screens.

import { describe, expect, it } from "vitest";
import type { Issue, QuarantineRow, TimelineEntry } from "../api";
import { takeFragment } from "../app/session";
import { readCheckpointText } from "./audit/checkpoint";
import { filterKinds, number, readKinds, toggleKind } from "./load/entries";
import { formatBytes, group } from "./quarantine/groups";

describe("a login link", () => {
  it("gives its token and leaves the rest", () => {
    expect(takeFragment("#token=abc.def")).toEqual({ token: "abc.def", rest: "" });
    expect(takeFragment("#token=abc&item=7")).toEqual({ token: "abc", rest: "#item=7" });
    expect(takeFragment("#content")).toEqual({ token: null, rest: "#content" });
  });
});

describe("the timeline", () => {
  const entry = (seq: number, kind: TimelineEntry["kind"]): TimelineEntry => ({
    seq,
    kind,
    at: "2026-11-22T12:00:00Z",
    actor: { kind: "playbook", name: "tender" },
    name: kind,
    summary: "",
    data: {},
  });
  const entries = number([entry(7, "event"), entry(7, "decision"), entry(8, "effect")]);

  it("names each entry of a turn", () => {
    expect(entries.map((it) => it.id)).toEqual(["7.0", "7.1", "8.0"]);
  });

  it("filters by the kinds in the address, all where none is named", () => {
    expect(filterKinds(entries, readKinds(undefined))).toHaveLength(3);
    expect(filterKinds(entries, readKinds("decision,nonsense")).map((it) => it.id)).toEqual(["7.1"]);
  });

  it("switches kinds on and off", () => {
    expect(toggleKind([], "event")).toBe("event");
    expect(toggleKind(["event"], "decision")).toBe("event,decision");
    expect(toggleKind(["event"], "event")).toBeUndefined();
    expect(toggleKind(["event", "decision", "effect"], "touch")).toBeUndefined();
  });
});

describe("the quarantine", () => {
  const issue = (severity: Issue["severity"], code: string): Issue => ({
    severity,
    code,
    at: "",
    why: code,
    fix: "",
  });
  const message = (key: string, received_at: string, ...issues: Issue[]): [string, QuarantineRow] => [
    key,
    { message: key, source: "edi", received_at, content_type: "", bytes: 1, issues },
  ];

  it("groups by what stopped the message, the most frequent cause first", () => {
    const groups = group([
      message("a", "2026-11-22T10:00:00Z", issue("warning", "w"), issue("fatal", "one")),
      message("b", "2026-11-22T11:00:00Z", issue("fatal", "two")),
      message("c", "2026-11-22T12:00:00Z", issue("fatal", "two")),
      message("d", "2026-11-22T12:00:00Z"),
    ]);
    expect(groups.map((it) => `${it.code}: ${it.messages.map((row) => row.key).join(" ")}`)).toEqual([
      "two: c b",
      "one: a",
      "unknown: d",
    ]);
  });

  it("says sizes shortly", () => {
    expect([0, 999, 1_284, 2_500_000].map(formatBytes)).toEqual(["0 B", "999 B", "1.3 kB", "2.5 MB"]);
  });
});

describe("a checkpoint", () => {
  it("is read as origin, size, root and signatures", () => {
    expect(
      readCheckpointText("example.org/log\n42\nabc=\n\n— example.org/log c2ln\n— witness d2l0\n"),
    ).toEqual({
      origin: "example.org/log",
      size: 42,
      root: "abc=",
      signatures: [
        { name: "example.org/log", text: "c2ln" },
        { name: "witness", text: "d2l0" },
      ],
    });
  });

  it("is left alone where it is none", () => {
    expect(readCheckpointText("nothing yet")).toBeNull();
    expect(readCheckpointText("a\nb\nc\n\n")).toBeNull();
  });
});
