import { Link } from "@tanstack/react-router";
import type { Candidate, Expedite, LoadDetail } from "../../api";
import { formatMoney } from "../../kit/money";
import { TimeHere } from "../../kit/time-in-zone";

const METRES_PER_KM = 1_000;
/** Seconds of a minute, and minutes of an hour. */
const SIXTY = 60;

/** Where an expedited load's truck comes from, or to which one this load's truck went. */
export function ExpediteSection({ detail }: { detail: LoadDetail }) {
  const { expedite } = detail;
  if (!expedite) return null;
  return (
    <section className="panel load-part load-capacity" aria-labelledby="capacity-title">
      <h2 id="capacity-title">Free capacity</h2>
      <What expedite={expedite} />
      <Candidates candidates={expedite.search.candidates} held={expedite.hold?.statement ?? null} />
      <LeftOut expedite={expedite} />
    </section>
  );
}

function What({ expedite }: { expedite: Expedite }) {
  const { hold, refused, displaced, displaceable, gave_way_to: gaveWay } = expedite;
  if (gaveWay) {
    return (
      <p>
        Its truck went to expedited load{" "}
        <Link to="/loads/$id" params={{ id: gaveWay.load }}>
          {gaveWay.reference}
        </Link>
        , approved by {gaveWay.approved_by.name}. It goes on with its next carrier.
      </p>
    );
  }
  if (hold) {
    return (
      <p>
        A truck of {hold.scac} was held for this load{displaced && `, in the place of load ${displaced}`}.
      </p>
    );
  }
  if (displaceable) {
    const { need, scac } = displaceable.hold;
    return (
      <p>
        No truck is free. {scac}'s is on offer to load{" "}
        <Link to="/loads/$id" params={{ id: need.load }}>
          {need.reference}
        </Link>{" "}
        of {need.customer}, pickup at {need.pickup}; a person may approve taking it.
      </p>
    );
  }
  return <p>No truck is held, so the load is tendered by the routing guide: {refused}.</p>;
}

function Candidates({ candidates, held }: { candidates: Candidate[]; held: string | null }) {
  if (candidates.length === 0) return null;
  return (
    <table className="facts">
      <caption className="unseen">Trucks that fit, the nearest first</caption>
      <thead>
        <tr>
          <th scope="col">Carrier</th>
          <th scope="col">Free at</th>
          <th scope="col">From the pickup</th>
          <th scope="col">There by</th>
          <th scope="col">Stated</th>
          <th scope="col">Rate</th>
        </tr>
      </thead>
      <tbody>
        {candidates.map((it) => (
          <tr key={it.statement}>
            <th scope="row">
              {it.scac} <span className="quiet">{it.on_guide ? "on the guide" : "off the guide"}</span>
            </th>
            <td>
              {it.place}
              {it.statement === held && <span className="quiet"> · held</span>}
            </td>
            <td className="number">{Math.round(it.distance_m / METRES_PER_KM)} km</td>
            <td className="number">
              <TimeHere at={it.arrives} />
            </td>
            <td>
              {age(it.age_s)} before, by {it.stated_by}
            </td>
            <td className="number">{formatMoney(it.rate)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function LeftOut({ expedite }: { expedite: Expedite }) {
  const { left_out: leftOut, not_shown: notShown } = expedite.search;
  if (leftOut.length === 0) return null;
  return (
    <>
      <h3>Left out</h3>
      <ul>
        {leftOut.map((it) => (
          <li key={`${it.scac} ${it.place} ${it.why}`}>
            {it.scac} at {it.place}: {it.why}
          </li>
        ))}
      </ul>
      {!!notShown && <p className="quiet">{notShown} more are not shown.</p>}
    </>
  );
}

/** `12 min`, `2 h 05 min` */
function age(seconds: number): string {
  const minutes = Math.floor(seconds / SIXTY);
  if (minutes < SIXTY) return `${minutes} min`;
  const rest = String(minutes % SIXTY).padStart(2, "0");
  return `${Math.floor(minutes / SIXTY)} h ${rest} min`;
}
