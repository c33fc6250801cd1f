// The map's style: an overview drawn from Natural Earth and US Census lines that come with the console, in the
// console's own colours. Nothing is fetched from elsewhere, glyphs neither: text is drawn with the browser's fonts.

import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import states from "us-atlas/states-10m.json?url";
import countries from "world-atlas/countries-50m.json?url";
import { CITIES } from "./cities";
import { features, STANDINGS, type Standing } from "./shapes";

/** The colours a map is drawn in, read from the tokens so that a brand's colours are the map's as well. */
export interface Palette {
  water: string;
  land: string;
  line: string;
  lineStrong: string;
  ink: string;
  quiet: string;
  ground: string;
  planned: string;
  driven: string;
  danger: string;
  standing: Record<Standing, string>;
}

export function readPalette(element: HTMLElement): Palette {
  const probe = document.createElement("i");
  element.append(probe);
  const colour = (token: string) => {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  };
  const palette: Palette = {
    water: colour("map-water"),
    land: colour("map-land"),
    line: colour("map-line"),
    lineStrong: colour("map-border"),
    ink: colour("ink"),
    quiet: colour("ink-quiet"),
    ground: colour("surface"),
    planned: colour("primary"),
    driven: colour("map-driven"),
    danger: colour("danger-ink"),
    standing: {
      late: colour("map-late"),
      trouble: colour("map-trouble"),
      moving: colour("map-moving"),
      quiet: colour("map-quiet"),
      idle: colour("map-quiet"),
    },
  };
  probe.remove();
  return palette;
}

interface Outlines {
  land: GeoJSON.GeoJSON;
  borders: GeoJSON.GeoJSON;
  states: GeoJSON.GeoJSON;
}

let outlines: Promise<Outlines> | null = null;

/** Read once a session; the browser keeps the files. */
export function readOutlines(): Promise<Outlines> {
  outlines ??= load().catch((error: unknown) => {
    outlines = null;
    throw error;
  });
  return outlines;
}

async function load(): Promise<Outlines> {
  const [{ feature, mesh }, world, us] = await Promise.all([
    import("topojson-client"),
    topology(countries),
    topology(states),
  ]);
  const of = (it: Topology, name: string) => it.objects[name] as TopoObject;
  return {
    land: feature(world, of(world, "land")) as GeoJSON.GeoJSON,
    borders: mesh(world, of(world, "countries"), (one, other) => one !== other) as GeoJSON.GeoJSON,
    states: mesh(us, of(us, "states"), (one, other) => one !== other) as GeoJSON.GeoJSON,
  };
}

type Topology = Parameters<typeof import("topojson-client").mesh>[0];
type TopoObject = NonNullable<Parameters<typeof import("topojson-client").mesh>[1]>;

async function topology(url: string): Promise<Topology> {
  const response = await fetch(url);
  if (!response.ok)
    throw new Error(`The map's outlines could not be read: the server answered ${response.status}.`);
  return (await response.json()) as Topology;
}

export function makeStyle(palette: Palette, lines: Outlines): StyleSpecification {
  const empty = features([]);
  return {
    version: 8,
    sources: {
      land: { type: "geojson", data: lines.land, tolerance: 0.5 },
      borders: { type: "geojson", data: lines.borders, tolerance: 0.5 },
      states: { type: "geojson", data: lines.states, tolerance: 0.5 },
      cities: { type: "geojson", data: cities() },
      path: { type: "geojson", data: empty },
      vehicles: { type: "geojson", data: empty },
    },
    layers: [...ground(palette), ...path(palette), ...vehicles(palette)],
  };
}

function cities() {
  return features(
    CITIES.map(([name, longitude, latitude, zoom]) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [longitude, latitude] },
      properties: { name, zoom },
    })),
  );
}

const FONT = ["Noto Sans", "DejaVu Sans", "sans-serif"];

function ground(palette: Palette): LayerSpecification[] {
  return [
    { id: "water", type: "background", paint: { "background-color": palette.water } },
    { id: "land", type: "fill", source: "land", paint: { "fill-color": palette.land } },
    {
      id: "coast",
      type: "line",
      source: "land",
      paint: { "line-color": palette.lineStrong, "line-width": 0.6 },
    },
    {
      id: "states",
      type: "line",
      source: "states",
      paint: {
        "line-color": palette.line,
        "line-width": ["interpolate", ["linear"], ["zoom"], 3, 0.5, 8, 1.2],
      },
    },
    {
      id: "borders",
      type: "line",
      source: "borders",
      paint: { "line-color": palette.lineStrong, "line-width": 1.1 },
    },
    {
      id: "cities",
      type: "symbol",
      source: "cities",
      filter: ["<=", ["get", "zoom"], ["zoom"]] as ExpressionSpecification,
      layout: {
        "text-field": ["get", "name"],
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 3, 10.5, 7, 13],
        "text-padding": 6,
        "symbol-sort-key": ["get", "zoom"],
      },
      paint: { "text-color": palette.quiet, "text-halo-color": palette.land, "text-halo-width": 1.4 },
    },
  ];
}

const is = (name: string): ExpressionSpecification => ["==", ["get", "is"], name];

function path(palette: Palette): LayerSpecification[] {
  const round = { "line-cap": "round", "line-join": "round" } as const;
  return [
    {
      id: "fence",
      type: "fill",
      source: "path",
      filter: is("fence"),
      paint: { "fill-color": palette.planned, "fill-opacity": 0.18, "fill-outline-color": palette.planned },
    },
    {
      id: "planned-edge",
      type: "line",
      source: "path",
      filter: is("planned"),
      layout: round,
      paint: { "line-color": palette.ground, "line-width": 6, "line-opacity": 0.75 },
    },
    {
      id: "planned",
      type: "line",
      source: "path",
      filter: is("planned"),
      layout: round,
      paint: { "line-color": palette.planned, "line-width": 2.5 },
    },
    {
      id: "driven",
      type: "line",
      source: "path",
      filter: is("driven"),
      layout: round,
      paint: { "line-color": palette.driven, "line-width": 3.5, "line-dasharray": [0.1, 1.9] },
    },
    {
      id: "stops",
      type: "circle",
      source: "path",
      filter: is("stop"),
      paint: {
        "circle-radius": 9,
        "circle-color": palette.ground,
        "circle-stroke-color": ["case", ["get", "late"], palette.danger, palette.planned],
        "circle-stroke-width": 2.5,
      },
    },
    {
      id: "stop-numbers",
      type: "symbol",
      source: "path",
      filter: is("stop"),
      layout: {
        "text-field": ["get", "number"],
        "text-font": FONT,
        "text-size": 11,
        "text-allow-overlap": true,
        "text-ignore-placement": true,
      },
      paint: { "text-color": palette.ink },
    },
    {
      id: "stop-labels",
      type: "symbol",
      source: "path",
      filter: is("stop"),
      layout: {
        "text-field": ["get", "text"],
        "text-font": FONT,
        "text-size": 12,
        "text-variable-anchor": ["top", "bottom", "left", "right"],
        "text-radial-offset": 1.1,
        "text-justify": "auto",
        "text-allow-overlap": true,
      },
      paint: {
        "text-color": ["case", ["get", "late"], palette.danger, palette.ink],
        "text-halo-color": palette.ground,
        "text-halo-width": 2,
      },
    },
  ];
}

function vehicles(palette: Palette): LayerSpecification[] {
  return [
    {
      id: "selected",
      type: "circle",
      source: "vehicles",
      filter: ["get", "selected"] as unknown as ExpressionSpecification,
      paint: {
        "circle-radius": 15,
        "circle-color": palette.planned,
        "circle-opacity": 0.22,
        "circle-stroke-color": palette.planned,
        "circle-stroke-width": 2,
      },
    },
    {
      id: "vehicles",
      type: "symbol",
      source: "vehicles",
      layout: {
        "icon-image": ["get", "standing"],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 3, 0.75, 7, 1],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["get", "rank"],
      },
    },
    {
      id: "vehicle-names",
      type: "symbol",
      source: "vehicles",
      // Only the troubled are named from afar: two hundred names say nothing.
      filter: [
        "any",
        ["get", "selected"],
        ["all", [">=", ["get", "rank"], 4], [">=", ["zoom"], 5]],
        [">=", ["zoom"], 7.5],
      ] as unknown as ExpressionSpecification,
      layout: {
        "text-field": ["get", "vehicle"],
        "text-font": FONT,
        "text-size": 11.5,
        "text-offset": [0, 1.1],
        "text-anchor": "top",
        "text-optional": true,
      },
      paint: { "text-color": palette.ink, "text-halo-color": palette.ground, "text-halo-width": 1.8 },
    },
  ];
}

const SIZE = 18;
const SCALE = 2;

/** The marks of the vehicles: a shape each, so that colour is not alone. */
export function drawMarks(palette: Palette): { name: Standing; image: ImageData; scale: number }[] {
  return STANDINGS.flatMap(({ name }) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIZE * SCALE;
    const pen = canvas.getContext("2d");
    if (!pen) return [];
    pen.scale(SCALE, SCALE);
    pen.translate(SIZE / 2, SIZE / 2);
    trace(pen, name);
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.strokeStyle = palette.ground;
    pen.stroke();
    if (name === "idle") {
      pen.fillStyle = palette.ground;
      pen.fill();
      pen.lineWidth = 2;
      pen.strokeStyle = palette.standing.idle;
      pen.stroke();
    } else {
      pen.fillStyle = palette.standing[name];
      pen.fill();
    }
    return [{ name, image: pen.getImageData(0, 0, canvas.width, canvas.height), scale: SCALE }];
  });
}

function trace(pen: CanvasRenderingContext2D, name: Standing): void {
  pen.beginPath();
  if (name === "late") polygon(pen, 3, 7);
  else if (name === "trouble") polygon(pen, 4, 6.5);
  else if (name === "quiet") pen.rect(-4, -4, 8, 8);
  else pen.arc(0, 0, name === "idle" ? 4 : 5, 0, 2 * Math.PI);
}

function polygon(pen: CanvasRenderingContext2D, corners: number, radius: number): void {
  for (let corner = 0; corner < corners; corner++) {
    const turn = (2 * Math.PI * corner) / corners - Math.PI / 2;
    pen.lineTo(radius * Math.cos(turn), radius * Math.sin(turn));
  }
  pen.closePath();
}
