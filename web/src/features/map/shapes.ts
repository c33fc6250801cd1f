// What the map draws, made from what the board and the vehicles say. Nothing here knows the map library.

import type { BoardRow, VehicleRow } from "../../api";
import type { components } from "../../api.gen";

export type PathBody = components["schemas"]["PathBody"];
export type Standing = "late" | "trouble" | "moving" | "quiet" | "idle";

/** Worst first: drawn on top, and named first. */
export const STANDINGS: readonly { name: Standing; text: string; shape: string }[] = [
  { name: "late", text: "Late", shape: "▲" },
  { name: "trouble", text: "Exception", shape: "◆" },
  { name: "moving", text: "On its way", shape: "●" },
  { name: "quiet", text: "Not heard for 2 h", shape: "■" },
  { name: "idle", text: "No load", shape: "○" },
];

/** A vehicle that has said nothing for this long is shown as unheard. */
const QUIET_AFTER_MS = 2 * 3_600_000;

export function standing(vehicle: VehicleRow, load: BoardRow | undefined, now: number): Standing {
  if (load?.trip?.late) return "late";
  if (load && load.exceptions > 0) return "trouble";
  if (now - Date.parse(vehicle.at) > QUIET_AFTER_MS) return "quiet";
  return vehicle.load ? "moving" : "idle";
}

export interface Feature {
  type: "Feature";
  id?: number;
  geometry:
    | { type: "Point"; coordinates: number[] }
    | { type: "LineString"; coordinates: number[][] }
    | { type: "Polygon"; coordinates: number[][][] };
  properties: Record<string, string | number | boolean>;
}

export interface Features {
  type: "FeatureCollection";
  features: Feature[];
}

export const features = (them: Feature[]): Features => ({ type: "FeatureCollection", features: them });

type Place = { latitude_deg: number; longitude_deg: number };
const pair = (it: Place): [number, number] => [it.longitude_deg, it.latitude_deg];

export interface Drawn {
  data: Features;
  counts: Record<Standing, number>;
}

/** One point a vehicle. */
export function drawVehicles(
  vehicles: Iterable<[string, VehicleRow]>,
  loads: ReadonlyMap<string, BoardRow>,
  selected: string | null,
  now: number,
): Drawn {
  const counts: Record<Standing, number> = { late: 0, trouble: 0, moving: 0, quiet: 0, idle: 0 };
  const points: Feature[] = [];
  for (const [key, vehicle] of vehicles) {
    const load = vehicle.load ? loads.get(vehicle.load) : undefined;
    const is = standing(vehicle, load, now);
    counts[is]++;
    points.push({
      type: "Feature",
      geometry: { type: "Point", coordinates: pair(vehicle.coordinates) },
      properties: {
        key,
        vehicle: vehicle.vehicle,
        load: vehicle.load ?? "",
        standing: is,
        rank: STANDINGS.length - STANDINGS.findIndex((it) => it.name === is),
        selected: selected !== null && vehicle.load === selected,
      },
    });
  }
  return { data: features(points), counts };
}

/** The planned way as straight legs, the way driven as its points, and the stops with their fences. */
export function drawPath(
  path: PathBody | undefined,
  describe: (stop: PathBody["stops"][number]) => string,
): Features {
  if (!path) return features([]);
  const drawn: Feature[] = [];
  const placed = path.stops.flatMap((stop) =>
    stop.coordinates ? [{ stop, at: pair(stop.coordinates) }] : [],
  );
  for (const { stop, at } of placed) {
    if (stop.radius_m) {
      drawn.push({
        type: "Feature",
        geometry: { type: "Polygon", coordinates: [circle(at, stop.radius_m)] },
        properties: { is: "fence" },
      });
    }
  }
  if (placed.length > 1) {
    drawn.push({
      type: "Feature",
      geometry: { type: "LineString", coordinates: placed.map((it) => it.at) },
      properties: { is: "planned" },
    });
  }
  if (path.trail.length > 1) {
    drawn.push({
      type: "Feature",
      geometry: { type: "LineString", coordinates: path.trail.map((it) => pair(it.coordinates)) },
      properties: { is: "driven" },
    });
  }
  for (const { stop, at } of placed) {
    drawn.push({
      type: "Feature",
      geometry: { type: "Point", coordinates: at },
      properties: { is: "stop", number: String(stop.sequence), text: describe(stop), late: stop.late },
    });
  }
  return features(drawn);
}

const EARTH_M = 6_371_008.8;
const STEPS = 48;

/** A ring of this radius around a point. Good to a metre at the size of a geofence. */
export function circle([longitude, latitude]: [number, number], radius_m: number): number[][] {
  const north = ((radius_m / EARTH_M) * 180) / Math.PI;
  const east = north / Math.max(0.01, Math.cos((latitude * Math.PI) / 180));
  return Array.from({ length: STEPS + 1 }, (_, step) => {
    const turn = (2 * Math.PI * (step % STEPS)) / STEPS;
    return [longitude + east * Math.cos(turn), latitude + north * Math.sin(turn)];
  });
}

export type Bounds = [west: number, south: number, east: number, north: number];

/** What the path covers; none where nothing of it has a place. */
export function bounds({ features }: Features): Bounds | null {
  const box: Bounds = [180, 90, -180, -90];
  const take = (it: number[]) => {
    const [longitude = 0, latitude = 0] = it;
    box[0] = Math.min(box[0], longitude);
    box[1] = Math.min(box[1], latitude);
    box[2] = Math.max(box[2], longitude);
    box[3] = Math.max(box[3], latitude);
  };
  for (const { geometry } of features) {
    if (geometry.type === "Point") take(geometry.coordinates);
    else if (geometry.type === "LineString") geometry.coordinates.forEach(take);
  }
  return box[0] <= box[2] ? box : null;
}
