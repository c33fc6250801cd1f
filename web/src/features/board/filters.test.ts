import { describe, expect, it } from "vitest";
import type { BoardRow } from "../../api";
import { EVERYTHING, formatTokens, fromSearch, matcher, parseTokens, toSearch } from "./filters";

const row: BoardRow = {
  load: "load_1",
  reference: "AP-48121",
  customer: "Acme Paper",
  status: "tendering",
  lane: "ME>WI",
  origin: "Rumford, ME",
  destination: "Neenah, WI",
  pickup: null,
  delivery: null,
  carrier: null,
  offer: {
    carrier: "Swift Lane",
    scac: "SLFR",
    rank: 1,
    rate: { minor: 1, currency: "USD" },
    respond_by: "2026-11-22T12:00:00Z",
  },
  rate: null,
  exceptions: 0,
  updated_at: "2026-11-22T12:00:00Z",
  playbook: null,
};

const typed = (text: string) => parseTokens(text, EVERYTHING);

describe("the board's filter", () => {
  for (const text of [
    "",
    "rumford",
    'status:exception,covered customer:"Acme Paper"',
    "carrier:SLFR ME>WI late",
    "status:planned 12345",
  ]) {
    it(`is the same typed and in the address: ${text || "nothing"}`, () => {
      const { filters, unknown } = typed(text);
      expect(unknown).toEqual([]);
      expect(fromSearch(toSearch(filters) as Record<string, unknown>)).toEqual(filters);
      expect(formatTokens(filters)).toBe(text);
    });
  }

  it("leaves what is usual out of the address", () => {
    expect(toSearch(EVERYTHING)).toEqual({});
    expect(toSearch({ ...EVERYTHING, sort: "pickup", descending: true })).toEqual({ sort: "-pickup" });
  });

  it("passes over what the address should not hold", () => {
    expect(fromSearch({ status: "nonsense,covered", sort: "-nothing", text: 48121, carrier: ["x"] })).toEqual(
      {
        ...EVERYTHING,
        status: ["covered"],
        text: "48121",
      },
    );
  });

  it("takes the beginning of a status and names what it does not know", () => {
    expect(typed("status:cov").filters.status).toEqual(["covered"]);
    expect(typed("status:late").unknown).toEqual(["status:late"]);
  });

  it("keeps the sorting while one types", () => {
    expect(parseTokens("x", { ...EVERYTHING, sort: "rate", descending: true }).filters).toMatchObject({
      sort: "rate",
      descending: true,
    });
  });

  it("finds by any word of the load, whatever the case", () => {
    for (const text of [
      "ap-48121",
      "RUMFORD neenah",
      "status:tender",
      'customer:"acme p"',
      "carrier:slfr",
      "carrier:swift me>wi",
    ]) {
      expect(matcher(typed(text).filters)(row), text).toBe(true);
    }
    for (const text of ["status:covered", "customer:prairie", "carrier:nlcr", "rumford laredo"]) {
      expect(matcher(typed(text).filters)(row), text).toBe(false);
    }
  });
});
