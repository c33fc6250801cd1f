import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { Mark } from "../kit/mark";
import { formatSpan } from "../kit/time";
import { STALE_AFTER_MS } from "../live/feed";
import { useMe } from "./app";
import { AutomationBanner } from "./automation-banner";
import { inbox, quarantine, retryNow, useFeed, useSecond, useTable } from "./live";
import { signOut } from "./session";
import { setTheme, THEMES, type Theme, useTheme } from "./theme";

export function Shell() {
  const me = useMe();
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => {
    document.title = `${titleOf(path)} · ${me.brand.name}`;
  }, [path, me.brand.name]);
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="top">
        <Link to="/" className="brand">
          <Mark /> {me.brand.name}
        </Link>
        <nav aria-label="Screens">
          <Link to="/" activeOptions={{ exact: true, includeSearch: false }}>
            Board
          </Link>
          <Link to="/inbox">
            Inbox <Badge table="inbox" />
          </Link>
          <Link to="/vehicles">Vehicles</Link>
          <Link to="/quarantine">
            Quarantine <Badge table="quarantine" />
          </Link>
          <Link to="/automation">Automation</Link>
          <Link to="/audit">Audit</Link>
        </nav>
        <LiveSign />
        <ThemeChoice />
        <div className="who">
          <span>
            <strong>{me.actor.name}</strong> · {me.actor.roles.join(", ")}
          </span>
          <span className="quiet">{me.tenant.name}</span>
        </div>
        <button type="button" className="button" onClick={() => signOut()}>
          Sign out
        </button>
      </header>
      <StaleBanner />
      <AutomationBanner />
      <main id="content" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}

function titleOf(path: string): string {
  if (path.startsWith("/loads/")) return "Load";
  return (
    {
      "/": "Board",
      "/inbox": "Inbox",
      "/vehicles": "Vehicles",
      "/quarantine": "Quarantine",
      "/automation": "Automation",
      "/audit": "Audit",
    }[path] ?? "Not found"
  );
}

function Badge({ table }: { table: "inbox" | "quarantine" }) {
  const { rows } = useTable<unknown>(table === "inbox" ? inbox : quarantine);
  if (rows.size === 0) return null;
  return (
    <span className={`badge badge-${table}`}>
      {rows.size}
      <span className="unseen"> waiting</span>
    </span>
  );
}

function LiveSign() {
  useSecond();
  const feed = useFeed();
  const silent = Date.now() - feed.heardAt > STALE_AFTER_MS;
  const [sign, words] =
    feed.phase === "live" && !silent
      ? ["live", "Live"]
      : feed.phase === "loading"
        ? ["loading", "Loading"]
        : ["stale", feed.phase === "live" ? "Silent" : "Reconnecting"];
  return (
    <span className={`live live-${sign}`} title={`Log position ${feed.seq}`}>
      {words}
    </span>
  );
}

/** Says how old the picture is once the server has been silent too long. */
function StaleBanner() {
  useSecond();
  const feed = useFeed();
  const silence = Date.now() - feed.heardAt;
  if (feed.phase === "loading" || feed.phase === "stopped" || feed.heardAt === 0 || silence <= STALE_AFTER_MS)
    return null;
  return (
    <div className="stale" role="alert">
      <span>
        <strong>What you see may be old.</strong> Nothing heard from the server for{" "}
        <span aria-hidden="true">{formatSpan(silence)}</span>
        <span className="unseen">more than ten seconds</span>. {feed.problem}
      </span>
      <button type="button" className="button" onClick={retryNow}>
        Reconnect now
      </button>
    </div>
  );
}

const THEME_WORDS: Record<Theme, string> = {
  system: "System theme",
  light: "Light theme",
  dark: "Dark theme",
};

function ThemeChoice() {
  const theme = useTheme();
  return (
    <select
      aria-label="Theme"
      className="select"
      value={theme}
      onChange={(event) => setTheme(event.target.value as Theme)}
    >
      {THEMES.map((it) => (
        <option key={it} value={it}>
          {THEME_WORDS[it]}
        </option>
      ))}
    </select>
  );
}
