// Times are shown in the zone where they happen, always with the zone's name. Nothing here reads a clock.

export interface Moment {
  at: string;
  zone: string;
  basis: "stated" | "assumed";
}

const formats = new Map<string, Intl.DateTimeFormat>();

const SHAPES = {
  /** `Nov 22, 14:30 EST` */
  short: {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  },
  /** `14:30:05 EST` */
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short" },
  /** `Sun, Nov 22, 2026, 14:30:05 EST` */
  full: {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

export type Shape = keyof typeof SHAPES;

function format(shape: Shape, zone: string): Intl.DateTimeFormat {
  const name = `${shape} ${zone}`;
  let it = formats.get(name);
  if (!it) {
    try {
      it = new Intl.DateTimeFormat("en-US", { ...SHAPES[shape], timeZone: zone });
    } catch {
      // A zone this browser does not know: better the same instant in UTC, named so, than nothing.
      it = new Intl.DateTimeFormat("en-US", { ...SHAPES[shape], timeZone: "UTC" });
    }
    formats.set(name, it);
  }
  return it;
}

export function viewerZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

export function formatTime(at: string | number, zone: string, shape: Shape = "short"): string {
  const instant = typeof at === "number" ? at : Date.parse(at);
  if (!Number.isFinite(instant)) return "unknown time";
  return format(shape, zone).format(instant);
}

/** What a pointer or a screen reader gets besides: the viewer's own zone and UTC. */
export function explainTime(at: string, zone: string, basis: Moment["basis"] | null, viewer: string): string {
  const lines = [`${formatTime(at, zone, "full")} (${zone}${basis === "assumed" ? ", zone assumed" : ""})`];
  if (viewer !== zone) lines.push(`${formatTime(at, viewer, "full")} (your zone, ${viewer})`);
  if (viewer !== "UTC") lines.push(formatTime(at, "UTC", "full"));
  return lines.join("\n");
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in its two largest units: `1 h 05 min`, `4 min 09 s`, `2 d 3 h`. */
export function formatSpan(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const two = (count: number) => String(count).padStart(2, "0");
  if (seconds >= DAY) return `${Math.floor(seconds / DAY)} d ${Math.floor((seconds % DAY) / HOUR)} h`;
  if (seconds >= HOUR)
    return `${Math.floor(seconds / HOUR)} h ${two(Math.floor((seconds % HOUR) / MINUTE))} min`;
  if (seconds >= MINUTE) return `${Math.floor(seconds / MINUTE)} min ${two(seconds % MINUTE)} s`;
  return `${seconds} s`;
}

/** Time left until a deadline, and how pressing it is. */
export function countdown(
  deadline: string,
  now: number,
): { text: string; urgency: "calm" | "soon" | "over" } {
  const left = Date.parse(deadline) - now;
  if (!Number.isFinite(left)) return { text: "unknown", urgency: "calm" };
  if (left < 0) return { text: `${formatSpan(left)} over`, urgency: "over" };
  return { text: `${formatSpan(left)} left`, urgency: left < 10 * MINUTE * 1000 ? "soon" : "calm" };
}
