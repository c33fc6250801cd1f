import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { Board } from "../features/board/board";
import type { BoardSearch } from "../features/board/filters";
import { Failed, NotFound } from "../kit/states";
import { Shell } from "./shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

/** Only text, so that an address pasted from anywhere means the same. */
function texts<Name extends string>(...names: Name[]) {
  return (search: Record<string, unknown>): { [name in Name]?: string } => {
    const kept: { [name in Name]?: string } = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === "string" || typeof value === "number") kept[name] = String(value);
    }
    return kept;
  };
}

const boardRoute = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: Board,
  validateSearch: (search: Record<string, unknown>): BoardSearch =>
    texts(
      "status",
      "customer",
      "carrier",
      "text",
      "sort",
      "kpi",
      "part",
      "from",
      "to",
      "map",
      "load",
    )(search),
});

const inboxRoute = createRoute({
  getParentRoute: () => root,
  path: "/inbox",
  validateSearch: texts("item"),
  component: lazyRouteComponent(() => import("../features/inbox/inbox"), "Inbox"),
});

const loadRoute = createRoute({
  getParentRoute: () => root,
  path: "/loads/$id",
  validateSearch: texts("kind", "entry"),
  component: lazyRouteComponent(() => import("../features/load/load-page"), "LoadPage"),
});

const vehiclesRoute = createRoute({
  getParentRoute: () => root,
  path: "/vehicles",
  validateSearch: texts("show"),
  component: lazyRouteComponent(() => import("../features/vehicles/vehicles"), "Vehicles"),
});

const quarantineRoute = createRoute({
  getParentRoute: () => root,
  path: "/quarantine",
  validateSearch: texts("message"),
  component: lazyRouteComponent(() => import("../features/quarantine/quarantine"), "Quarantine"),
});

const automationRoute = createRoute({
  getParentRoute: () => root,
  path: "/automation",
  component: lazyRouteComponent(() => import("../features/automation/automation"), "AutomationPage"),
});

const auditRoute = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  component: lazyRouteComponent(() => import("../features/audit/audit"), "Audit"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    boardRoute,
    inboxRoute,
    loadRoute,
    vehiclesRoute,
    quarantineRoute,
    automationRoute,
    auditRoute,
  ]),
  defaultPreload: "intent",
  defaultErrorComponent: ({ error, reset }) => (
    <Failed what="This page" why={error instanceof Error ? error.message : String(error)} retry={reset} />
  ),
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
