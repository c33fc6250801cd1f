import { useQuery } from "@tanstack/react-query";
import { type GeoJSONSource, type LngLatBoundsLike, Map as MapLibre, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { readPath } from "../../api";
import { board, clock, vehicles, wantVehicles } from "../../app/live";
import { useTheme } from "../../app/theme";
import { formatTime, viewerZone } from "../../kit/time";
import {
  bounds,
  type Drawn,
  drawPath,
  drawVehicles,
  type Features,
  type PathBody,
  STANDINGS,
  type Standing,
} from "./shapes";
import { drawMarks, makeStyle, readOutlines, readPalette } from "./style";
import "./map.css";

setWorkerUrl(workerUrl);

/** Vehicles are put on the map at most this often. */
const DRAW_EVERY_MS = 1_000;
const PATH_EVERY_MS = 15_000;
/** Room around a path for the labels of its stops and, below, for the legend. */
const FRAME = { top: 70, right: 90, bottom: 110, left: 90 };
/** The lower forty-eight. */
const HOME: LngLatBoundsLike = [-125, 24.2, -66.5, 49.8];

/** Where the map was looking, so that a new theme and a map opened again look there too. */
let camera: { center: [number, number]; zoom: number } | null = null;

interface Props {
  selected: string | null;
  select: (load: string | null) => void;
}

export default function MapView({ selected, select }: Props) {
  const theme = useTheme();
  const prefersDark = useSyncExternalStore(subscribeDark, () => DARK.matches);
  const place = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<MapLibre | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const look = `${theme} ${prefersDark}`;
  useEffect(() => {
    const element = place.current;
    if (!element || !look) return;
    let made: MapLibre | null = null;
    let isOver = false;
    setProblem(null);
    readOutlines()
      .then((outlines) => {
        if (isOver) return;
        made = makeMap(element, outlines);
        made.once("style.load", () => setMap(made));
      })
      .catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)));
    return () => {
      isOver = true;
      setMap(null);
      for (const told of ["drawn", "path", "hauling"]) delete element.dataset[told];
      if (made) {
        const { lng, lat } = made.getCenter();
        camera = { center: [lng, lat], zoom: made.getZoom() };
        made.remove();
      }
    };
  }, [look]);
  const counts = useVehicles(map, selected);
  usePath(map, selected);
  useClicks(map, select);
  return (
    <section className="map" aria-label="Map of the vehicles">
      <div ref={place} className="map-place" data-testid="map" />
      {problem && (
        <div className="map-problem" role="status">
          <strong>The map cannot be drawn here.</strong>
          <p>{problem}</p>
          <p className="quiet">The list beside it has every load, and Vehicles has every position.</p>
        </div>
      )}
      {!problem && <Legend counts={counts} />}
    </section>
  );
}

const DARK = matchMedia("(prefers-color-scheme: dark)");
function subscribeDark(listener: () => void): () => void {
  DARK.addEventListener("change", listener);
  return () => DARK.removeEventListener("change", listener);
}

function makeMap(element: HTMLElement, outlines: Awaited<ReturnType<typeof readOutlines>>): MapLibre {
  if (!document.createElement("canvas").getContext("webgl2"))
    throw new Error("This browser gives the console no WebGL 2.");
  const palette = readPalette(element);
  const map = new MapLibre({
    container: element,
    style: makeStyle(palette, outlines),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    maxZoom: 14,
    minZoom: 1.5,
    renderWorldCopies: false,
    fadeDuration: 0,
    ...(camera ?? { bounds: HOME, fitBoundsOptions: { padding: 12 } }),
  });
  map.touchZoomRotate.disableRotation();
  map.once("style.load", () => {
    for (const { name, image, scale } of drawMarks(palette)) map.addImage(name, image, { pixelRatio: scale });
  });
  // What is on the map, for whoever looks at the page from outside.
  map.on("idle", () => {
    element.dataset.drawn = String(map.queryRenderedFeatures({ layers: ["vehicles"] }).length);
    const hauling = map.queryRenderedFeatures({
      layers: ["vehicles"],
      filter: ["!=", ["get", "load"], ""],
    })[0];
    const at =
      hauling?.geometry.type === "Point"
        ? map.project(hauling.geometry.coordinates as [number, number])
        : null;
    if (at) element.dataset.hauling = `${Math.round(at.x)} ${Math.round(at.y)} ${hauling?.properties.load}`;
    element.dataset.path = String(map.queryRenderedFeatures({ layers: ["planned", "driven"] }).length);
  });
  return map;
}

function source(map: MapLibre, name: string, data: Features): void {
  map.getSource<GeoJSONSource>(name)?.setData(data as GeoJSON.FeatureCollection);
}

/** Follows the vehicles and their loads, and counts what is shown. */
function useVehicles(map: MapLibre | null, selected: string | null): Record<Standing, number> | null {
  const [counts, setCounts] = useState<Record<Standing, number> | null>(null);
  const last = useRef(0);
  useEffect(() => {
    void wantVehicles();
  }, []);
  useEffect(() => {
    if (!map) return;
    let timer = 0;
    const draw = () => {
      timer = 0;
      last.current = performance.now();
      const drawn: Drawn = drawVehicles(vehicles.rows, board.rows, selected, clock.now());
      source(map, "vehicles", drawn.data);
      setCounts(drawn.counts);
      performance.measure("map-vehicles", { start: last.current, end: performance.now() });
    };
    const hear = () => {
      if (timer) return;
      timer = window.setTimeout(draw, Math.max(0, DRAW_EVERY_MS - (performance.now() - last.current)));
    };
    draw();
    const stops = [vehicles.subscribe(hear), board.subscribe(hear)];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [map, selected]);
  return counts;
}

/** Draws the selected load's way, and looks at it once it is chosen. */
function usePath(map: MapLibre | null, selected: string | null): void {
  const { data } = useQuery({
    queryKey: ["path", selected],
    queryFn: () => readPath(selected ?? ""),
    enabled: selected !== null,
    refetchInterval: PATH_EVERY_MS,
  });
  const seen = useRef<string | null>(null);
  useEffect(() => {
    if (!map) return;
    const path = selected === null ? undefined : data;
    const drawn = drawPath(path, describe);
    source(map, "path", drawn);
    if (selected === null) seen.current = null;
    const box = bounds(drawn);
    if (!path || !box || seen.current === path.load) return;
    seen.current = path.load;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    map.fitBounds(box, { padding: FRAME, maxZoom: 8, duration: isStill ? 0 : 500 });
  }, [map, selected, data]);
}

function describe(stop: PathBody["stops"][number]): string {
  const zone = stop.zone ?? viewerZone();
  if (stop.arrived) return `${stop.label}\nArrived ${formatTime(stop.arrived, zone)}`;
  if (stop.eta) return `${stop.label}\n${stop.late ? "Late, " : ""}${formatTime(stop.eta, zone)}`;
  return stop.late ? `${stop.label}\nOverdue` : stop.label;
}

const REACH_PX = 8;

function useClicks(map: MapLibre | null, select: (load: string | null) => void): void {
  const chosen = useRef(select);
  useEffect(() => {
    chosen.current = select;
  });
  useEffect(() => {
    if (!map) return;
    const at = ({ x, y }: { x: number; y: number }) => {
      const near: [[number, number], [number, number]] = [
        [x - REACH_PX, y - REACH_PX],
        [x + REACH_PX, y + REACH_PX],
      ];
      const found = map.queryRenderedFeatures(near, { layers: ["vehicles"] });
      return found.find((it) => it.properties.load) ?? found[0];
    };
    map.on("click", (event) => {
      const load = at(event.point)?.properties.load as string | undefined;
      if (load) chosen.current(load);
    });
    map.on("mousemove", (event) => {
      map.getCanvas().style.cursor = at(event.point) ? "pointer" : "";
    });
  }, [map]);
}

function Legend({ counts }: { counts: Record<Standing, number> | null }) {
  return (
    <div className="map-legend">
      <ul>
        {STANDINGS.map(({ name, text, shape }) => (
          <li key={name} className={`standing standing-${name}`}>
            <span aria-hidden="true">{shape}</span> {text}{" "}
            <span className="number">{(counts?.[name] ?? 0).toLocaleString("en-US")}</span>
          </li>
        ))}
      </ul>
      <p className="quiet">
        <span className="line-planned" aria-hidden="true" /> planned{" "}
        <span className="line-driven" aria-hidden="true" /> driven · Outlines: Natural Earth, US Census Bureau
      </p>
    </div>
  );
}
