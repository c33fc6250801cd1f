// Invented vehicles on their way between the invented cities, and the figures of the invented loads.

const PLACES = {
  "Rumford, ME": [-70.55, 44.55],
  "Neenah, WI": [-88.46, 44.19],
  "Laredo, TX": [-99.51, 27.51],
  "Denver, CO": [-104.99, 39.74],
  "Reno, NV": [-119.81, 39.53],
  "Savannah, GA": [-81.1, 32.08],
  "Phoenix, AZ": [-112.07, 33.45],
  "Toledo, OH": [-83.54, 41.65],
};

/** So many vehicles: as far as there are covered loads each hauls one, the others stand about. */
export function makeFleet(board, count, chance) {
  const vehicles = new Map();
  const ways = new Map();
  const covered = [...board.values()].filter((it) => it.trip);
  for (let number = 0; number < count; number++) {
    const load = covered[number];
    const names = Object.keys(PLACES);
    const from = PLACES[load?.origin ?? names[number % names.length]];
    const to = PLACES[load?.destination ?? names[(number + 1) % names.length]];
    const key = `t${1000 + number}`;
    ways.set(key, { from, to, done: 0.05 + chance() * 0.9, bend: (chance() - 0.5) * 3 });
    vehicles.set(key, {
      vehicle: key.toUpperCase(),
      at: new Date(Date.now() - (chance() < 0.05 ? 4 : 0.02) * 3_600_000).toISOString(),
      coordinates: place(ways.get(key)),
      speed_kmh: 60 + Math.floor(chance() * 40),
      load: load?.load ?? null,
      loads: load ? [load.load] : [],
      source: "telematics",
      received_at: new Date().toISOString(),
      refused: 0,
      refused_last: null,
    });
    if (load) load.trip.vehicle = key.toUpperCase();
  }
  return {
    vehicles,
    /** One vehicle goes a little further. */
    move() {
      const keys = [...ways.keys()];
      if (keys.length === 0) return null;
      const key = keys[Math.floor(chance() * keys.length)];
      const way = ways.get(key);
      way.done = way.done > 0.98 ? 0.02 : way.done + 0.01;
      const now = new Date().toISOString();
      const row = { ...vehicles.get(key), at: now, received_at: now, coordinates: place(way) };
      vehicles.set(key, row);
      return [key, row];
    },
    path(row) {
      const found = [...vehicles].find(([, it]) => it.load === row.load);
      const way = found && ways.get(found[0]);
      const stop = (sequence, kind, label, extra) => ({
        sequence,
        kind,
        label,
        coordinates: degrees(PLACES[label]),
        radius_m: 800,
        place: "site",
        zone: null,
        eta: null,
        late: false,
        arrived: null,
        departed: null,
        ...extra,
      });
      return {
        load: row.load,
        reference: row.reference,
        vehicle: found?.[1].vehicle ?? null,
        stops: [
          stop(1, "pickup", row.origin, {}),
          stop(2, "delivery", row.destination, {
            eta: row.trip?.eta ?? null,
            late: row.trip?.late ?? false,
            zone: row.delivery.zone,
          }),
        ],
        trail: way
          ? Array.from({ length: 60 }, (_, step) => ({
              at: new Date().toISOString(),
              coordinates: place({ ...way, done: (way.done * step) / 59 }),
            }))
          : [],
      };
    },
  };
}

function place({ from, to, done, bend }) {
  const aside = Math.sin(Math.PI * done) * bend;
  return degrees([from[0] + (to[0] - from[0]) * done, from[1] + (to[1] - from[1]) * done + aside]);
}

const degrees = ([longitude_deg, latitude_deg]) => ({ latitude_deg, longitude_deg });

/** Figures in the shape of the server's, of what the board holds. */
export function figures(board) {
  const rows = [...board.values()];
  const of = (test) => rows.filter(test).length;
  const covered = of((it) => it.status === "covered");
  const to = new Date();
  const from = new Date(to.getTime() - 86_400_000);
  const kpi = (name, title, unit, better, numerator, denominator) => {
    const value = denominator === null ? numerator : denominator === 0 ? null : numerator / denominator;
    return {
      name,
      title,
      unit,
      better,
      formula: `${title}: one thing divided by another, over the loads of the period.`,
      left_out_why: "Loads that are still open are left out and counted.",
      source: "trade usage",
      target: null,
      now: { value, numerator, denominator },
      before: { value: value === null ? null : value * 0.96, numerator, denominator },
      change: value === null ? null : value * 0.04,
      left_out: 3,
      parts: [{ part: "counted", title: "Counted", board: `/api/v1/board?kpi=${name}` }],
    };
  };
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    kpis: [
      kpi("time_to_cover", "Time to cover", "minutes", "lower", covered * 41.7, covered),
      kpi("first_tender_acceptance", "First tender accepted", "share", "higher", covered, rows.length),
      kpi("on_time_pickup", "On-time pickup", "share", "higher", 61, 66),
      kpi("on_time_delivery", "On-time delivery", "share", "higher", 52, 58),
      kpi(
        "open_exceptions",
        "Open exceptions",
        "number",
        "lower",
        of((it) => it.exceptions > 0),
        null,
      ),
      kpi(
        "exceptions_closed_without_person",
        "Exceptions closed without a person",
        "share",
        "higher",
        31,
        40,
      ),
      kpi("closed_without_person", "Loads closed without a person", "share", "higher", 47, 58),
      kpi("touches_per_load", "Touches per load", "number", "lower", 19, 58),
    ],
  };
}
