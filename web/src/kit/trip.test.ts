import { describe, expect, it } from "vitest";
import {
  assignmentBasis,
  estimateSource,
  expected,
  formatMinutes,
  formatPlace,
  lateEvidence,
  lateness,
  type Trip,
  type TripStop,
  whyNoEstimate,
} from "./trip";

const promised = "2026-11-22T20:00:00Z";

describe("lateness in words", () => {
  it("says how late, how early, or on time", () => {
    expect(lateness("2026-11-22T21:05:59Z", promised)).toEqual({ isLate: true, text: "1 h 05 min late" });
    expect(lateness("2026-11-22T20:01:00Z", promised)).toEqual({ isLate: true, text: "1 min late" });
    expect(lateness("2026-11-22T20:00:59Z", promised)).toEqual({ isLate: false, text: "on time" });
    expect(lateness("2026-11-22T19:25:00Z", promised)).toEqual({ isLate: false, text: "35 min early" });
    expect(lateness("2026-11-25T21:00:00Z", promised)).toEqual({ isLate: true, text: "73 h 00 min late" });
  });

  it("says nothing where nothing was promised or the time is no time", () => {
    expect(lateness("2026-11-22T21:00:00Z", null)).toBeNull();
    expect(lateness("soon", promised)).toBeNull();
  });

  it("writes minutes as people do", () => {
    expect([0, 59, 60, 125, 1500].map(formatMinutes)).toEqual([
      "0 min",
      "59 min",
      "1 h 00 min",
      "2 h 05 min",
      "25 h 00 min",
    ]);
  });
});

describe("the board's cell", () => {
  const row = { late: false, completed: false };
  it("tells late, overdue, expected, arrived and unknown apart", () => {
    expect(expected(null)).toBeNull();
    expect(expected(row)).toEqual({ word: "No estimate", at: null, isLate: false });
    expect(expected({ ...row, eta: promised })).toEqual({ word: "Expected", at: promised, isLate: false });
    expect(expected({ ...row, eta: promised, late: true })).toEqual({
      word: "Late",
      at: promised,
      isLate: true,
    });
    expect(expected({ ...row, late: true })).toEqual({ word: "Overdue", at: null, isLate: true });
    expect(expected({ ...row, late: true, arrived: promised })?.word).toBe("Arrived");
    expect(expected({ ...row, completed: true })?.word).toBe("Done");
  });
});

describe("what is not known", () => {
  const stop: TripStop = { sequence: 2, kind: "delivery", label: "Lakeside, WI", planned: {} };
  const trip: Trip = {
    completed: false,
    doubts: { jumps: 0, off_corridor: 0 },
    stops: [stop],
    unplaced: [],
    vehicle: { vehicle: "48", basis: "command", from: promised },
  };
  it("names the first thing that is missing, and what to do", () => {
    expect(whyNoEstimate({ ...trip, unplaced: [2] }, stop)).toContain("Add it as a site");
    expect(whyNoEstimate({ ...trip, vehicle: null }, stop)).toContain("no vehicle is assigned");
    expect(whyNoEstimate(trip, stop)).toContain("no position yet");
    expect(whyNoEstimate({ ...trip, completed: true }, stop)).toContain("the trip is over");
    const heard = {
      at: promised,
      received_at: promised,
      source: "telematics",
      vehicle: "48",
      loads: [],
      refused: 0,
    };
    const there = { ...trip, position: { ...heard, coordinates: { latitude_deg: 42, longitude_deg: -74 } } };
    expect(whyNoEstimate(there, stop)).toContain("could be used");
  });

  it("names where an estimate and a vehicle come from", () => {
    expect(estimateSource({ position: null }, "48")).toBe("by the carrier's status message");
    expect(estimateSource({ position: { latitude_deg: 1, longitude_deg: 2 } }, "48")).toBe(
      "from a position of vehicle 48",
    );
    expect(assignmentBasis("carrier_answer")).toBe("named in the carrier's answer");
    expect(assignmentBasis("by_pigeon")).toBe("by pigeon");
  });
});

describe("the evidence of a late delivery", () => {
  const evidence = [
    { what: "stop", value: 2, source: "order" },
    {
      what: "position",
      value: { longitude_deg: -74.2, latitude_deg: 42.7 },
      source: "positions of vehicle 48",
    },
    { what: "promised", value: promised, source: "order" },
    { what: "promised in the zone", value: "America/Chicago", source: "order" },
    { what: "late by minutes", value: 725, source: "advice" },
    { what: "expected", value: "2026-11-23T08:05:00Z", source: "advice" },
    { what: "computed from", value: "2026-11-22T15:00:00Z", source: "positions of vehicle 48" },
    { what: "age of the position in minutes", value: 5, source: "positions of vehicle 48" },
    { what: "kilometres to go", value: 1430, source: "advice" },
    { what: "tyres", value: { worn: true }, source: "driver" },
  ];

  it("puts promise, expectation and lateness first, at the stop's zone", () => {
    const lines = lateEvidence(evidence);
    expect(lines.slice(0, 3)).toEqual([
      { what: "Promised by", at: promised, zone: "America/Chicago", source: "the order" },
      { what: "Expected at", at: "2026-11-23T08:05:00Z", zone: "America/Chicago", source: "computed" },
      { what: "Late by", text: "12 h 05 min", source: "computed" },
    ]);
    expect(lines).toHaveLength(evidence.length - 1);
  });

  it("writes places, distances and ages in words and loses nothing it does not know", () => {
    const texts = new Map(lateEvidence(evidence).map((it) => [it.what, it.text]));
    expect(texts.get("Vehicle's position then")).toBe("42.7000° N, 74.2000° W");
    expect(texts.get("Way to go")).toBe("1430 km");
    expect(texts.get("Age of that when this was raised")).toBe("5 min");
    expect(texts.get("tyres")).toBe('{"worn":true}');
  });

  it("claims no lateness of an overdue delivery nobody has seen", () => {
    const lines = lateEvidence([
      { what: "late by minutes", value: 0, source: "advice" },
      { what: "overdue", value: true, source: "clock" },
      { what: "no estimate", value: "no position of the vehicle could be used", source: "advice" },
    ]);
    expect(lines.map((it) => it.what)).toEqual(["Overdue", "Why there is no estimate"]);
  });

  it("writes southern and eastern places", () => {
    expect(formatPlace({ latitude_deg: -33.9, longitude_deg: 18.4 })).toBe("33.9000° S, 18.4000° E");
  });
});
