import { describe, expect, it } from "vitest";
import type { VehicleRow } from "../../api";
import { readShow, refusedWords, select } from "./show";

const vehicle = (name: string, more: Partial<VehicleRow> = {}): { key: string; row: VehicleRow } => ({
  key: name,
  row: {
    vehicle: name,
    at: "2026-11-22T12:00:00Z",
    received_at: "2026-11-22T12:00:01Z",
    coordinates: { latitude_deg: 42.65, longitude_deg: -73.75 },
    loads: [],
    source: "telematics",
    refused: 0,
    ...more,
  },
});

describe("vehicles", () => {
  const rows = [
    vehicle("48", { load: "load_1", loads: ["load_1"] }),
    vehicle("49"),
    vehicle("50", { refused: 2 }),
  ];
  const shown = (show: string | undefined) => select(rows, readShow(show)).map((it) => it.key);

  it("are shown as the address asks, all where it asks for nothing known", () => {
    expect(shown(undefined)).toEqual(["48", "49", "50"]);
    expect(shown("parked")).toEqual(["48", "49", "50"]);
    expect(shown("unassigned")).toEqual(["49", "50"]);
    expect(shown("refused")).toEqual(["50"]);
  });

  it("say how much was refused, and why the last was", () => {
    expect(refusedWords({ refused: 0 })).toBeNull();
    expect(refusedWords({ refused: 1, refused_last: "more than a week old" })).toBe(
      "1 position was not taken: more than a week old",
    );
    expect(refusedWords({ refused: 3, refused_last: "more than a week old" })).toBe(
      "3 positions were not taken; the last: more than a week old",
    );
    expect(refusedWords({ refused: 3, refused_last: null })).toBe("3 positions were not taken.");
  });
});
