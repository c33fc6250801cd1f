import type { Stop } from "../../api";
import { TimeInZone } from "../../kit/time-in-zone";

export function address({ location }: Stop): string {
  const city = [location.city, [location.region, location.postal_code].filter(Boolean).join(" ")]
    .filter(Boolean)
    .join(", ");
  return [...location.address, city, location.country].filter(Boolean).join(" · ");
}

export function Window({ stop }: { stop: Stop }) {
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
