import { describe, expect, it } from "vitest";
import { countdown, explainTime, formatSpan, formatTime } from "./time";

describe("times", () => {
  it("are shown where they happen, with the zone's name", () => {
    expect(formatTime("2026-11-22T19:30:00Z", "America/New_York")).toBe("Nov 22, 14:30 EST");
    expect(formatTime("2026-07-22T18:30:00Z", "America/New_York")).toBe("Jul 22, 14:30 EDT");
    expect(formatTime("2026-07-22T18:30:00Z", "America/Phoenix")).toBe("Jul 22, 11:30 MST");
  });

  it("tell the two hours apart when the clocks go back", () => {
    expect(formatTime("2026-11-01T05:30:00Z", "America/New_York")).toBe("Nov 1, 01:30 EDT");
    expect(formatTime("2026-11-01T06:30:00Z", "America/New_York")).toBe("Nov 1, 01:30 EST");
  });

  it("pass over the hour that is missing when the clocks go forward", () => {
    expect(formatTime("2026-03-08T06:59:00Z", "America/New_York")).toBe("Mar 8, 01:59 EST");
    expect(formatTime("2026-03-08T07:00:00Z", "America/New_York")).toBe("Mar 8, 03:00 EDT");
  });

  it("show midnight as 00 and an unknown zone in UTC, named so", () => {
    expect(formatTime("2026-11-22T05:00:00Z", "America/New_York")).toBe("Nov 22, 00:00 EST");
    expect(formatTime("2026-11-22T05:00:00Z", "Mars/Olympus")).toBe("Nov 22, 05:00 UTC");
    expect(formatTime("not a time", "UTC")).toBe("unknown time");
  });

  it("explain themselves: place, viewer and UTC, and whether the zone was assumed", () => {
    const text = explainTime("2026-11-22T19:30:00Z", "America/New_York", "assumed", "America/Chicago");
    expect(text).toContain("14:30:00 EST (America/New_York, zone assumed)");
    expect(text).toContain("13:30:00 CST (your zone, America/Chicago)");
    expect(text).toContain("19:30:00 UTC");
  });
});

describe("a countdown", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");

  it("says how much is left and how pressing it is", () => {
    expect(countdown("2026-11-22T13:05:00Z", now)).toEqual({ text: "1 h 05 min left", urgency: "calm" });
    expect(countdown("2026-11-22T12:04:09Z", now)).toEqual({ text: "4 min 09 s left", urgency: "soon" });
    expect(countdown("2026-11-22T11:59:00Z", now)).toEqual({ text: "1 min 00 s over", urgency: "over" });
  });

  it("counts days", () => {
    expect(formatSpan(51 * 3_600_000)).toBe("2 d 3 h");
  });
});
