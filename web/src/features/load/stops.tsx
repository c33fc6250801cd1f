import type { Stop } from "../../api";
import { TimeInZone } from "../../kit/time-in-zone";
import { words } from "../../kit/value";

export function Stops({ stops }: { stops: Stop[] }) {
  return (
    <section className="panel load-part">
      <h2>Stops</h2>
      <ol className="stops">
        {stops.map((stop) => (
          <li key={stop.sequence} className={`stop stop-${stop.kind}`}>
            <div className="stop-line">
              <strong>{words(stop.kind)}</strong>
              <span>{stop.location.name}</span>
            </div>
            <div className="quiet">{address(stop)}</div>
            <div className="number">
              <Window stop={stop} />
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function address({ location }: Stop): string {
  const city = [location.city, [location.region, location.postal_code].filter(Boolean).join(" ")]
    .filter(Boolean)
    .join(", ");
  return [...location.address, city, location.country].filter(Boolean).join(" · ");
}

function Window({ stop }: { stop: Stop }) {
  const { earliest, latest } = stop.window;
  if (!earliest && !latest) return <span className="quiet">No time was given.</span>;
  if (earliest && latest) {
    if (earliest.at === latest.at) {
      return (
        <>
          at <TimeInZone moment={earliest} />
        </>
      );
    }
    return (
      <>
        <TimeInZone moment={earliest} /> to <TimeInZone moment={latest} />
      </>
    );
  }
  return earliest ? (
    <>
      not before <TimeInZone moment={earliest} />
    </>
  ) : (
    <>not after {latest && <TimeInZone moment={latest} />}</>
  );
}
