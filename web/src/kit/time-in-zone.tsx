import { clock, useSecond } from "../app/live";
import { countdown, explainTime, formatSpan, formatTime, type Moment, type Shape, viewerZone } from "./time";

/** An instant where it happens, with the zone's name; more on hover. */
export function TimeInZone({ moment, shape = "short" }: { moment: Moment; shape?: Shape }) {
  const { at, zone, basis } = moment;
  return (
    <time dateTime={at} title={explainTime(at, zone, basis, viewerZone())}>
      {formatTime(at, zone, shape)}
      {basis === "assumed" && (
        <span className="assumed">
          {" "}
          <span aria-hidden="true">?</span>
          <span className="unseen">zone assumed</span>
        </span>
      )}
    </time>
  );
}

/** An instant of ours, such as when something was recorded: in the viewer's zone, named. */
export function TimeHere({ at, shape = "short" }: { at: string; shape?: Shape }) {
  const zone = viewerZone();
  return (
    <time dateTime={at} title={explainTime(at, zone, null, zone)}>
      {formatTime(at, zone, shape)}
    </time>
  );
}

const MARKS = { calm: "", soon: "◔ ", over: "! " };

/** Time left to answer, by the server's clock. */
export function Countdown({ deadline }: { deadline: string }) {
  useSecond();
  const { text, urgency } = countdown(deadline, clock.now());
  const zone = viewerZone();
  return (
    <time
      dateTime={deadline}
      className={`countdown countdown-${urgency}`}
      title={explainTime(deadline, zone, null, zone)}
    >
      {MARKS[urgency]}
      {text}
    </time>
  );
}

/** How long ago, by the server's clock. */
export function Age({ at }: { at: string }) {
  useSecond();
  const zone = viewerZone();
  return (
    <time dateTime={at} title={explainTime(at, zone, null, zone)}>
      {formatSpan(Math.max(0, clock.now() - Date.parse(at)))} ago
    </time>
  );
}
