// A stand-in for the server while one works on the console: same answers, invented loads. Never shipped.
//
//   npm run mock -- --listen 127.0.0.1:8099 [--credentials FILE]      LOADS=10000 RATE=100 for the speed test

import { createReadStream, existsSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { makeWorld } from "./world.mjs";

const given = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const [host, port] = given("listen", "127.0.0.1:8099").split(":");
const credentials = given("credentials", null);
const world = makeWorld({
  loads: Number(process.env.LOADS ?? 140),
  rate: Number(process.env.RATE ?? 3),
  trucks: Number(process.env.TRUCKS ?? 60),
});
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const people = {
  "dispatcher-token": { name: "Dana Reyes", roles: ["dispatcher"] },
  "manager-token": { name: "Morgan Lee", roles: ["manager"] },
};
const live = new Set();

world.onChange((change) => {
  const text = `id: ${change.seq}\nevent: change\ndata: ${JSON.stringify(change)}\n\n`;
  for (const response of live) response.write(text);
});
setInterval(() => {
  for (const response of live)
    response.write(`event: beat\ndata: ${JSON.stringify({ seq: world.seq() })}\n\n`);
}, 5000);

const json = (response, status, body, type = "application/json") => {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(JSON.stringify(body));
};
const problem = (response, status, code, title, detail) =>
  json(
    response,
    status,
    { type: `/docs/problems/${code}`, title, status, code, detail },
    "application/problem+json",
  );
const page = (view) => ({
  position: world.seq(),
  total: world[view].size,
  rows: [...world[view]].map(([key, row]) => ({ key, row })),
});

async function bodyOf(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

async function api(request, response, path) {
  const actor = people[(request.headers.authorization ?? "").replace("Bearer ", "")];
  if (!actor) return problem(response, 401, "unauthenticated", "Sign in first.", "The token is unknown.");
  const [, , , name, id, action] = path.split("/").map(decodeURIComponent);
  if (name === "me")
    return json(response, 200, {
      tenant: { id: "ten_acme", name: "Acme Logistics" },
      actor,
      brand: { name: "Signalbox" },
    });
  if (name === "live") {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(`: hello\n\nevent: beat\ndata: ${JSON.stringify({ seq: world.seq() })}\n\n`);
    live.add(response);
    request.on("close", () => live.delete(response));
    return;
  }
  if (name === "kpis") return json(response, 200, world.figures());
  if (["board", "inbox", "vehicles"].includes(name) || (name === "quarantine" && !id))
    return json(response, 200, page(name));
  if (name === "loads" && action === "mails") return json(response, 200, { mails: [] });
  if (name === "loads") {
    const load =
      action === "timeline" ? world.timeline(id) : action === "path" ? world.path(id) : world.load(id);
    return load
      ? json(response, 200, load)
      : problem(response, 404, "load_unknown", "No such load.", "Check the id.");
  }
  if (name === "messages") {
    response.writeHead(200, { "content-type": "text/plain" });
    return response.end(world.raw(id));
  }
  if (name === "audit" && id === "checkpoint") {
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    return response.end(world.checkpoint());
  }
  if (name === "automation")
    return json(response, 200, { mode: "automatic", scopes: [], playbooks: [], held: 0 });
  if (name === "audit") return json(response, 200, { checkpoint: world.checkpoint(), leaves: [] });
  if (request.method === "POST" && !request.headers["idempotency-key"])
    return problem(response, 400, "idempotency_key_missing", "No key.");
  const body = await bodyOf(request);
  const answer =
    name === "approvals"
      ? world.decide(id, body, actor)
      : name === "exceptions"
        ? world.resolve(id)
        : world.reprocess(id);
  if (answer.outcome) return json(response, 200, answer);
  return problem(response, 409, answer.code, "Somebody was first.", answer.detail);
}

const TYPES = {
  ".json": "application/json",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".html": "text/html",
};

function file(request, response, path) {
  let place = join(dist, normalize(path));
  if (!place.startsWith(dist) || !existsSync(place) || !statSync(place).isFile()) {
    if (!(request.headers.accept ?? "").includes("text/html")) return response.writeHead(404).end();
    place = join(dist, "index.html");
  }
  response.writeHead(200, {
    "content-type": TYPES[extname(place)] ?? "application/octet-stream",
    "content-security-policy":
      "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'",
  });
  createReadStream(place).pipe(response);
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://mock");
  if (!pathname.startsWith("/api/")) return file(request, response, pathname);
  api(request, response, pathname).catch((error) =>
    problem(response, 500, "internal", "The mock failed.", String(error)),
  );
});
server.listen(Number(port), host, () => {
  const base = `http://${host}:${server.address().port}`;
  const tokens = { dispatcher: "dispatcher-token", manager: "manager-token" };
  if (credentials)
    writeFileSync(
      credentials,
      JSON.stringify({ base, tenants: [{ id: "ten_acme", name: "Acme Logistics", tokens }] }),
    );
  console.error(`${base}/#token=dispatcher-token`);
});
