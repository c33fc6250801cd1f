import { describe, expect, it } from "vitest";
import { formatCounted, formatValue, trend } from "./figures";

describe("a figure", () => {
  for (const [value, unit, text] of [
    [null, "share", "–"],
    [0.8636, "share", "86.4 %"],
    [0.5, "minutes", "30 s"],
    [12.34, "minutes", "12.3 min"],
    [65, "minutes", "1 h 05 min"],
    [5 * 24 * 60, "minutes", "5 d"],
    [0.4166, "number", "0.42"],
    [1234, "number", "1,234"],
  ] as const) {
    it(`is written ${text}`, () => expect(formatValue(value, unit)).toBe(text));
  }

  it("says what it was counted from", () => {
    const now = (numerator: number, denominator: number | null) => ({ value: 0, numerator, denominator });
    expect(formatCounted({ unit: "share", now: now(19, 22) })).toBe("19 of 22");
    expect(formatCounted({ unit: "minutes", now: now(90, 1) })).toBe("1 load");
    expect(formatCounted({ unit: "share", now: now(0, 0) })).toBe("none yet");
    expect(formatCounted({ unit: "number", now: now(7, null) })).toBe("now");
  });

  it("knows good news from bad", () => {
    const of = (better: string, change: number | null, unit = "share") => trend({ better, change, unit });
    expect(of("higher", 0.02)).toEqual({ direction: "up", tone: "good", text: "2 pt" });
    expect(of("lower", 3, "number")).toEqual({ direction: "up", tone: "bad", text: "3" });
    expect(of("lower", -12, "minutes")).toEqual({ direction: "down", tone: "good", text: "12 min" });
    expect(of("higher", 0)?.tone).toBe("level");
    expect(of("higher", null)).toBeNull();
  });
});
