// Invented loads that change by themselves. Seeded, so that two runs look alike.

import { figures, makeFleet } from "./fleet.mjs";

const CITIES = [
  ["Rumford", "ME", "America/New_York"],
  ["Neenah", "WI", "America/Chicago"],
  ["Laredo", "TX", "America/Chicago"],
  ["Denver", "CO", "America/Denver"],
  ["Reno", "NV", "America/Los_Angeles"],
  ["Savannah", "GA", "America/New_York"],
  ["Phoenix", "AZ", "America/Phoenix"],
  ["Toledo", "OH", "America/New_York"],
];
const CARRIERS = [
  ["Swift Lane Freight", "SLFR"],
  ["Harbor & Hill Transport", "HHTR"],
  ["Northline Carriers", "NLCR"],
  ["Bluestem Trucking", "BSTM"],
];
const CUSTOMERS = ["Androscoggin Paper", "Prairie Foods", "Coppersmith Tool", "Lakeshore Pharma"];
const STATUSES = [
  "tendering",
  "tendering",
  "tendering",
  "planned",
  "covered",
  "covered",
  "covered",
  "awaiting_approval",
  "exception",
];

export function makeWorld({ loads, rate, trucks = 60 }) {
  let seed = 7;
  const chance = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  const any = (list) => list[Math.floor(chance() * list.length)];
  let seq = 1000;
  const listeners = new Set();
  const started = Date.now();
  const iso = (ms) => new Date(ms).toISOString();
  const minutes = (count) => Date.now() + count * 60_000;

  const board = new Map();
  const inbox = new Map();
  const quarantine = new Map();
  const decided = new Map();

  function tell(view, key, row) {
    const change = { seq, view, key, row };
    for (const listener of listeners) listener(change);
  }

  function offer(rank) {
    const [carrier, scac] = any(CARRIERS);
    const rate = { minor: 120_000 + Math.floor(chance() * 260_000), currency: "USD" };
    return { carrier, scac, rank, rate, respond_by: iso(minutes(1 + chance() * 90)) };
  }

  function trip(to) {
    return {
      vehicle: String(10 + Math.floor(chance() * 90)),
      next_stop: `${to[0]}, ${to[1]}`,
      eta: iso(minutes(4900 + chance() * 4500)),
      as_of: iso(minutes(-chance() * 30)),
      late: chance() < 0.2,
      arrived: null,
      completed: false,
    };
  }

  function makeLoad(index) {
    const id = `load_${String(index).padStart(6, "0")}`;
    const [from, to] = [any(CITIES), any(CITIES)];
    const status = any(STATUSES);
    const isOpen = status === "tendering" || status === "awaiting_approval";
    const row = {
      load: id,
      reference: `AP-${48_000 + index}`,
      customer: any(CUSTOMERS),
      status,
      lane: `${from[1]}>${to[1]}`,
      origin: `${from[0]}, ${from[1]}`,
      destination: `${to[0]}, ${to[1]}`,
      pickup: {
        at: iso(minutes(60 + chance() * 4000)),
        zone: from[2],
        basis: chance() < 0.2 ? "assumed" : "stated",
      },
      delivery: { at: iso(minutes(5000 + chance() * 4000)), zone: to[2], basis: "stated" },
      carrier: status === "covered" ? any(CARRIERS)[0] : null,
      offer: isOpen ? offer(1 + Math.floor(chance() * 3)) : null,
      rate: status === "covered" ? { minor: 150_000 + Math.floor(chance() * 90_000), currency: "USD" } : null,
      exceptions: status === "exception" ? 1 : 0,
      updated_at: iso(started - chance() * 3_600_000),
      playbook: "tender-waterfall",
      trip: status === "covered" ? trip(to) : null,
    };
    board.set(id, row);
    return row;
  }

  function ask(row) {
    const id = `apr_${row.load.slice(5)}`;
    const made = row.offer ?? offer(1);
    inbox.set(id, {
      kind: "approval",
      id,
      load: row.load,
      reference: row.reference,
      title: `Offer ${row.reference} to ${made.carrier} above the rate cap`,
      severity: any(["high", "medium", "low"]),
      requested_at: iso(Date.now() - chance() * 1_800_000),
      deadline: iso(minutes(4 + chance() * 110)),
      role: "dispatcher",
      evidence: [
        { what: "rate", value: made.rate, source: "routing guide ME>WI v12" },
        { what: "rate_cap", value: { minor: 300_000, currency: "USD" }, source: "settings" },
        { what: "declined_before", value: 2, source: "tender tdr_01" },
        { what: "respond_by", value: made.respond_by, source: `contract of ${made.scac}` },
      ],
      proposal: {
        action: "make_offer",
        carrier: made.carrier,
        scac: made.scac,
        rank: made.rank,
        rate: { minor: 340_000, currency: "USD" },
        respond_by: made.respond_by,
      },
      rule: "policy.rate-cap@4",
      next_action: null,
      allowed_actions: ["approve", "edit", "reject"],
    });
    return id;
  }

  function raise(row) {
    const id = `exc_${row.load.slice(5)}`;
    inbox.set(id, {
      kind: "exception",
      id,
      load: row.load,
      reference: row.reference,
      title: `Every ranked carrier declined ${row.reference}`,
      severity: any(["high", "medium"]),
      requested_at: iso(Date.now() - chance() * 1_800_000),
      deadline: null,
      role: null,
      evidence: [
        { what: "offers", value: 3, source: "tender tdr_01" },
        { what: "last_answer", value: "declined: no capacity", source: "990 of HHTR" },
      ],
      proposal: null,
      rule: "playbook.tender-waterfall@3",
      next_action: "Call a spot carrier, or extend the routing guide and tender again.",
      allowed_actions: ["resolve"],
    });
  }

  for (let index = 0; index < loads; index++) makeLoad(index);
  for (const row of [...board.values()].filter((it) => it.status === "awaiting_approval").slice(0, 12))
    ask(row);
  for (const row of [...board.values()].filter((it) => it.status === "exception").slice(0, 6)) raise(row);
  const ISSUES = [
    [
      "x12.se01_count",
      "SE-01 #31",
      "The transaction says it has 30 segments; it has 29.",
      "Correct SE-01, or ask the sender for the missing segment.",
    ],
    [
      "order.delivery_before_pickup",
      "/stops/1/window",
      "The delivery window ends before the pickup window begins.",
      "Correct one of the two dates.",
    ],
  ];
  for (let index = 0; index < 5; index++) {
    const [code, at, why, fix] = ISSUES[index % 2];
    const id = `msg_${index}`;
    quarantine.set(id, {
      message: id,
      source: index % 2 ? "json" : "edi",
      received_at: iso(Date.now() - (index + 1) * 420_000),
      content_type: index % 2 ? "application/json" : "application/edi-x12",
      bytes: 1_284 + index * 77,
      issues: [
        { severity: "fatal", code, at, why, fix },
        {
          severity: "forgiven",
          code: "x12.trailing_blanks",
          at: "B2-04 #3",
          why: "The value ends in blanks.",
          fix: "Nothing; it was read without them.",
        },
      ],
    });
  }

  function changeOne() {
    const row = board.get(`load_${String(Math.floor(chance() * board.size)).padStart(6, "0")}`);
    if (!row) return;
    seq++;
    const next = { ...row, updated_at: iso(Date.now()) };
    const dice = chance();
    if (row.status === "tendering" && dice < 0.4)
      Object.assign(next, {
        status: "covered",
        carrier: row.offer?.carrier ?? "Northline Carriers",
        rate: row.offer?.rate,
        offer: null,
      });
    else if (row.status === "tendering") next.offer = offer((row.offer?.rank ?? 0) + 1);
    else if (row.status === "planned" || dice < 0.1)
      Object.assign(next, { status: "tendering", offer: offer(1), carrier: null });
    board.set(row.load, next);
    tell("board", row.load, next);
  }
  let arrived = loads;
  function arrive() {
    if (board.size > loads + 60) return;
    seq++;
    const row = makeLoad(arrived++);
    tell("board", row.load, row);
  }
  const fleet = makeFleet(board, trucks, chance);
  const TICK_MS = 50;
  let due = 0;
  setInterval(() => {
    for (due += (rate * TICK_MS) / 1000; due >= 1; due--) {
      if (chance() < 0.5) changeOne();
      else moveOne();
    }
  }, TICK_MS);
  setInterval(arrive, 4000);

  function moveOne() {
    const moved = fleet.move();
    if (!moved) return changeOne();
    seq++;
    tell("vehicles", ...moved);
  }

  function settle(key) {
    const item = inbox.get(key);
    seq++;
    inbox.delete(key);
    tell("inbox", key, null);
    const row = item && board.get(item.load);
    if (row) {
      board.set(row.load, {
        ...row,
        status: "tendering",
        offer: row.offer ?? offer(1),
        exceptions: 0,
        updated_at: iso(Date.now()),
      });
      tell("board", row.load, board.get(row.load));
    }
  }

  return {
    board,
    inbox,
    quarantine,
    vehicles: fleet.vehicles,
    figures: () => figures(board),
    path: (id) => board.has(id) && fleet.path(board.get(id)),
    seq: () => seq,
    onChange: (listener) => listeners.add(listener),
    decide(id, body, actor) {
      if (!inbox.has(id))
        return {
          code: "approval_already_decided",
          detail: decided.get(id) ?? "Morgan Lee (manager) rejected this 20 s ago: rate too high.",
        };
      decided.set(
        id,
        `${actor.name} (${actor.roles[0]}) decided this: ${body.decision}${body.reason ? `, ${body.reason}` : ""}.`,
      );
      settle(id);
      return { outcome: body.edit ? "edited" : body.decision, seq };
    },
    resolve(id) {
      settle(id);
      return { outcome: "resolved", seq };
    },
    reprocess(id) {
      seq++;
      quarantine.delete(id);
      tell("quarantine", id, null);
      return { outcome: "reprocessed", seq };
    },
    raw: (id) =>
      id.endsWith("1") || id.endsWith("3")
        ? '{\n  "reference": "PF-3391",\n  "stops": [\n    { "kind": "pickup", "window": { "earliest": "2026-11-24T08:00" } },\n    { "kind": "delivery", "window": { "latest": "2026-11-23T17:00" } }\n  ]\n}\n'
        : "ISA*00*          *00*          *ZZ*ANDROPAPER     *ZZ*SIGNALBOX      *261122*1408*U*00401*000000714*0*P*>~\nGS*SM*ANDROPAPER*SIGNALBOX*20261122*1408*714*X*004010~\nST*204*0001~\nB2**SLFR**AP-48121  **CC~\nSE*30*0001~\nGE*1*714~\nIEA*1*000000714~\n",
    checkpoint: () =>
      `signalbox.example/ten_acme\n${40_000 + seq}\nq3GkTn0mJ3pZyV1cXw8m1d0vU2b5mJr2Ue0Yh8a7bCk=\n\n— signalbox.example/ten_acme Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n`,
    load(id) {
      const row = board.get(id);
      if (!row) return null;
      const stop = (sequence, kind, label, moment) => ({
        sequence,
        kind,
        location: {
          name: `${label.split(",")[0]} Mill`,
          code: null,
          address: ["35 Hartford St"],
          city: label.split(",")[0],
          region: label.slice(-2),
          postal_code: "04276",
          country: "US",
          zone: moment.zone,
        },
        window: { earliest: moment, latest: { ...moment, at: iso(Date.parse(moment.at) + 7_200_000) } },
        contacts: [],
        references: [],
        weight: null,
        pieces: null,
      });
      const states = ["declined", "expired", row.status === "covered" ? "accepted" : "open"];
      const items = [...inbox.values()].filter((it) => it.load === id);
      return {
        load: {
          id,
          reference: row.reference,
          stops: [
            stop(1, "pickup", row.origin, row.pickup),
            stop(2, "delivery", row.destination, row.delivery),
          ],
          equipment: { kind: "van", code: "TF" },
          rate: { minor: 210_000, currency: "USD" },
          respond_by: row.pickup,
          priority: chance() < 0.5 ? "high" : "normal",
        },
        order: { id: "ord_1", customer: row.customer, reference: row.reference },
        shipment: {
          id: "shp_1",
          weight: { grams: 19_000_000, original: "41887.8 L" },
          pieces: 22,
          goods: [{ description: "Coated paper, rolls", pieces: 22, weight: null }],
        },
        tender: {
          id: "tdr_1",
          playbook: "tender-waterfall",
          offers: states.map((state, index) => ({
            id: `off_${index}`,
            carrier: `par_${index}`,
            scac: CARRIERS[index][1],
            rank: index + 1,
            rate: { minor: 180_000 + index * 21_000, currency: "USD" },
            respond_by: iso(minutes(index * 40 - 30)),
            respond_by_basis: index ? "default" : "contract",
            state,
          })),
        },
        status: row.status,
        exceptions: items
          .filter((it) => it.kind === "exception")
          .map((it) => ({ id: it.id, title: it.title, severity: it.severity, raised_at: it.requested_at })),
        approvals: items
          .filter((it) => it.kind === "approval")
          .map((it) => ({ id: it.id, title: it.title, deadline: it.deadline, role: it.role })),
        allowed_actions: [],
      };
    },
    timeline(id) {
      const row = board.get(id);
      if (!row) return null;
      const at = (index) => iso(started - 900_000 + index * 41_000);
      const system = { kind: "playbook", name: "tender-waterfall" };
      const entry = (index, kind, name, summary, more = {}) => ({
        seq: 700 + Math.floor(index / 2),
        at: at(index),
        actor: system,
        kind,
        name,
        summary,
        data: { load: id, index },
        ...more,
      });
      return {
        entries: [
          entry(0, "event", "OrderReceived", `Order ${row.reference} of ${row.customer}`, {
            actor: { kind: "source", name: "edi" },
          }),
          entry(1, "event", "LoadCreated", `${row.origin} to ${row.destination}`),
          entry(2, "decision", "table.routing-guide", "Ranked 3 carriers for the lane", {
            evidence: [
              { what: "lane", value: row.lane, source: "load" },
              { what: "carriers", value: ["SLFR", "HHTR", "NLCR"], source: "routing guide v12" },
            ],
          }),
          entry(3, "event", "OfferProposed", "Rank 1, Swift Lane Freight, $1,800.00"),
          entry(4, "decision", "gate.make_offer", "Allowed: below the rate cap", {
            evidence: [
              { what: "rate", value: { minor: 180_000, currency: "USD" }, source: "offer" },
              { what: "rate_cap", value: { minor: 300_000, currency: "USD" }, source: "settings" },
            ],
          }),
          entry(5, "effect", "SendOffer", "To SLFR by X12", { state: "delivered" }),
          entry(6, "event", "OfferDeclined", "Swift Lane Freight: no capacity", {
            actor: { kind: "source", name: "edi" },
          }),
          entry(7, "event", "ApprovalRequested", "Rank 3 is above the rate cap"),
          entry(8, "touch", "approval.decide", "Approved after 2 min 11 s, 14 s in hand", {
            actor: { kind: "person", name: "Dana Reyes" },
          }),
          entry(9, "effect", "SendOffer", "To NLCR by webhook", { state: "retrying" }),
          ...(row.status === "covered" ? [entry(10, "event", "LoadCovered", `By ${row.carrier}`)] : []),
        ],
      };
    },
  };
}
