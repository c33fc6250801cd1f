import { describe, expect, it } from "vitest";
import { editMoney, formatMoney, parseMinor } from "./money";

describe("money", () => {
  it("is shown with its sign and, where signs are shared, its code", () => {
    expect(formatMoney({ minor: 125_000, currency: "USD" })).toBe("$1,250.00");
    expect(formatMoney({ minor: -5, currency: "USD" })).toBe("-$0.05");
    expect(formatMoney({ minor: 125_000, currency: "CAD" })).toBe("$1,250.00 CAD");
    expect(formatMoney({ minor: 1_250, currency: "JPY" })).toBe("¥1,250");
  });

  it("is read back exactly", () => {
    for (const minor of [1, 10, 99, 100, 110, 1_999, 123_456_789]) {
      expect(parseMinor(editMoney({ minor, currency: "USD" }), "USD")).toBe(minor);
    }
    expect(parseMinor("$1,250.5", "USD")).toBe(125_050);
    expect(parseMinor("1250", "JPY")).toBe(1_250);
    // 1.15 * 100 is 114.99999999999999 as a fraction.
    expect(parseMinor("1.15", "USD")).toBe(115);
  });

  it("is refused where it is no amount", () => {
    for (const text of ["", "-5", "1.2.3", "12.345", "abc", "1e3", "99999999999999999"])
      expect(parseMinor(text, "USD"), text).toBeNull();
    expect(parseMinor("12.5", "JPY")).toBeNull();
  });
});
