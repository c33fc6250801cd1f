// What a browser must load before the board can be drawn, compressed as it travels. Fails over the budget.

import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 250;
const AIM_KB = 200;
const dist = new URL("../dist/", import.meta.url);
const manifestFile = new URL(".vite/manifest.json", dist);

if (!existsSync(manifestFile)) {
  console.error("There is no dist/.vite/manifest.json. Run `npm run build` first.");
  process.exit(2);
}
const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));

const files = new Set(["index.html"]);
function collect(name) {
  const chunk = manifest[name];
  if (!chunk || files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const next of chunk.imports ?? []) collect(next);
}
for (const [name, chunk] of Object.entries(manifest)) if (chunk.isEntry) collect(name);

let sum = 0;
for (const file of files) {
  const size = gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
  sum += size;
  console.log(`${(size / 1000).toFixed(1).padStart(8)} kB  ${file}`);
}
// The map comes only once it is opened: its code, its worker and its style. The outlines it draws are data.
const MAP = "src/features/map/map-view.tsx";
const MAP_BUDGET_KB = 480;
const first = new Set(files);
collect(MAP);
const later = [...files, ...(manifest[MAP]?.assets ?? [])].filter(
  (file) => !first.has(file) && /\.(m?js|css)$/.test(file),
);
const mapKb = later.reduce(
  (total, file) => total + gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1000,
  0,
);
console.log(`${mapKb.toFixed(1).padStart(8)} kB  the map, once it is opened (budget ${MAP_BUDGET_KB})`);
if (later.length < 2 || mapKb > MAP_BUDGET_KB) {
  console.error("The map is over its budget, or its code and its worker were not found.");
  process.exit(1);
}

const kb = sum / 1000;
console.log(`${kb.toFixed(1).padStart(8)} kB  first load, gzip (aim ${AIM_KB}, budget ${BUDGET_KB})`);
if (kb > BUDGET_KB) {
  console.error(
    `The first load is ${(kb - BUDGET_KB).toFixed(1)} kB over its budget. Load something later, or leave it out.`,
  );
  process.exit(1);
}
