import { describe, expect, it } from "vitest";
import type { BoardRow, VehicleRow } from "../../api";
import { bounds, circle, drawPath, drawVehicles, type PathBody, standing } from "./shapes";

const NOW = Date.parse("2026-11-25T08:00:00Z");
const vehicle = (over: Partial<VehicleRow> = {}): VehicleRow => ({
  vehicle: "48",
  at: "2026-11-25T07:55:00Z",
  coordinates: { latitude_deg: 42, longitude_deg: -74 },
  load: "load_1",
  loads: ["load_1"],
  source: "telematics",
  received_at: "2026-11-25T07:55:00Z",
  refused: 0,
  ...over,
});
const load = (late: boolean, exceptions: number) => ({ exceptions, trip: { late } }) as unknown as BoardRow;

describe("a vehicle", () => {
  it("shows the worst that is known of it", () => {
    expect(standing(vehicle(), load(true, 1), NOW)).toBe("late");
    expect(standing(vehicle(), load(false, 1), NOW)).toBe("trouble");
    expect(standing(vehicle(), load(false, 0), NOW)).toBe("moving");
    expect(standing(vehicle({ at: "2026-11-25T05:00:00Z" }), load(false, 0), NOW)).toBe("quiet");
    expect(standing(vehicle({ load: null, loads: [] }), undefined, NOW)).toBe("idle");
  });

  it("is a point that knows its load", () => {
    const loads = new Map([["load_1", load(true, 0)]]);
    const { data, counts } = drawVehicles([["48", vehicle()]], loads, "load_1", NOW);
    expect(counts.late).toBe(1);
    expect(data.features[0]?.geometry).toEqual({ type: "Point", coordinates: [-74, 42] });
    expect(data.features[0]?.properties).toMatchObject({ load: "load_1", standing: "late", selected: true });
  });
});

describe("a path", () => {
  const stop = (sequence: number, longitude: number | null) => ({
    sequence,
    kind: "pickup",
    label: "Rumford, ME",
    coordinates: longitude === null ? null : { latitude_deg: 44, longitude_deg: longitude },
    radius_m: longitude === null ? null : 500,
    late: false,
  });
  const path = (trail: number) =>
    ({
      load: "load_1",
      reference: "R1",
      stops: [stop(1, -70), stop(2, null), stop(3, -88)],
      trail: Array.from({ length: trail }, (_, it) => ({
        at: "",
        coordinates: { latitude_deg: 43, longitude_deg: -71 - it },
      })),
    }) as unknown as PathBody;

  it("goes through the stops whose place is known, in their order", () => {
    const drawn = drawPath(path(3), (it) => it.label);
    const lines = drawn.features.filter((it) => it.geometry.type === "LineString");
    expect(lines.map((it) => it.properties.is)).toEqual(["planned", "driven"]);
    expect(lines[0]?.geometry.coordinates).toEqual([
      [-70, 44],
      [-88, 44],
    ]);
    expect(bounds(drawn)).toEqual([-88, 43, -70, 44]);
  });

  it("is nothing where nothing is known", () => {
    expect(drawPath(undefined, () => "").features).toEqual([]);
    expect(bounds(drawPath(undefined, () => ""))).toBeNull();
  });

  it("has fences as wide as they are", () => {
    const ring = circle([-70, 60], 1_000);
    expect(ring[0]).toEqual(ring.at(-1));
    const [east = 0] = ring[0] ?? [];
    expect((east + 70) * 111_195 * 0.5).toBeCloseTo(1_000, 0);
  });
});
