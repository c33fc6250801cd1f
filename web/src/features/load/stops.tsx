import type { Stop } from "../../api";
import type { Moment } from "../../kit/time";
import { TimeInZone } from "../../kit/time-in-zone";

export function address({ location }: Stop): string {
  const city = [location.city, [location.region, location.postal_code].filter(Boolean).join(" ")]
    .filter(Boolean)
    .join(", ");
  return [...location.address, city, location.country].filter(Boolean).join(" · ");
}

/** The window in its own zone, or in the place's where that is known better. */
export function Window({ stop, zone }: { stop: Stop; zone?: string | null | undefined }) {
  const here = (moment: Moment | null) => moment && { ...moment, zone: zone ?? moment.zone };
  const [earliest, latest] = [here(stop.window.earliest), here(stop.window.latest)];
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
