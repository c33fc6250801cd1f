// The load's stops with what was planned, is expected and happened at each, and the vehicle that goes there.

import type { LoadDetail, Stop } from "../../api";
import { type Moment, viewerZone } from "../../kit/time";
import { Age, TimeInZone } from "../../kit/time-in-zone";
import {
  actualSource,
  assignmentBasis,
  type Estimate,
  estimateSource,
  formatPlace,
  lateness,
  type Trip,
  type TripStop,
  whyNoEstimate,
} from "../../kit/trip";
import { words } from "../../kit/value";
import { address, Window } from "./stops";
import { VehicleForm } from "./vehicle-form";

export function TripSection({ detail }: { detail: LoadDetail }) {
  const { load, trip } = detail;
  return (
    <section className="panel load-part" aria-labelledby="trip-title">
      <h2 id="trip-title">Trip</h2>
      <Vehicle detail={detail} />
      <ol className="stops">
        {load.stops.map((stop) => (
          <li key={stop.sequence} className={`stop stop-${stop.kind}`}>
            <div className="stop-line">
              <strong>{words(stop.kind)}</strong>
              <span>{stop.location.name}</span>
            </div>
            <div className="quiet">{address(stop)}</div>
            <Times stop={stop} trip={trip ?? null} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Vehicle({ detail }: { detail: LoadDetail }) {
  const { trip } = detail;
  const assigned = trip?.vehicle;
  return (
    <div className="trip-vehicle">
      <dl className="load-summary">
        <div>
          <dt>Vehicle</dt>
          <dd>
            {assigned ? (
              <>
                <strong>{assigned.vehicle}</strong>{" "}
                <span className="quiet">{assignmentBasis(assigned.basis)}</span>
              </>
            ) : (
              "No vehicle is assigned yet."
            )}
          </dd>
        </div>
        <div>
          <dt>Latest position</dt>
          <dd>
            <Position trip={trip ?? null} />
          </dd>
        </div>
      </dl>
      {trip && <Doubts trip={trip} />}
      {detail.allowed_actions.includes("assign_vehicle") && (
        <VehicleForm load={detail.load.id} assigned={assigned?.vehicle ?? null} />
      )}
    </div>
  );
}

function Position({ trip }: { trip: Trip | null }) {
  const position = trip?.position;
  if (!position) return <>No position yet.</>;
  return (
    <>
      <span className="number">{formatPlace(position.coordinates)}</span> ·{" "}
      <span className="number">
        <Age at={position.at} />
      </span>
      {typeof position.speed_kmh === "number" && <> · {position.speed_kmh} km/h</>}{" "}
      <span className="quiet">from {position.source}</span>
    </>
  );
}

/** Positions that were kept and not used are said, or an estimate that stands still would look right. */
function Doubts({ trip }: { trip: Trip }) {
  const { jumps, off_corridor, last } = trip.doubts;
  const count = jumps + off_corridor;
  if (count === 0) return null;
  return (
    <p className="note note-warning">
      {count === 1 ? "1 position was" : `${count} positions were`} not used.
      {last && (
        <>
          {" "}
          The last, <Age at={last.at} />: {last.why}.
        </>
      )}
    </p>
  );
}

function Times({ stop, trip }: { stop: Stop; trip: Trip | null }) {
  const told = trip?.stops.find((it) => it.sequence === stop.sequence);
  const place = told?.zone;
  const zone =
    place ?? stop.window.latest?.zone ?? stop.window.earliest?.zone ?? stop.location.zone ?? viewerZone();
  const here = told?.actual?.arrived ?? told?.actual?.delivered;
  return (
    <dl className="times number">
      <div className="time-planned">
        <dt>
          <span aria-hidden="true">□</span> Planned
        </dt>
        <dd>
          <Window stop={stop} zone={place} />
        </dd>
      </div>
      {trip && told && !here && (
        <div className="time-estimated">
          <dt>
            <span aria-hidden="true">◔</span> Estimated
          </dt>
          <dd>
            {told.estimated ? (
              <Estimated
                estimate={told.estimated}
                zone={zone}
                promised={stop.window.latest}
                vehicle={trip.vehicle?.vehicle}
              />
            ) : (
              <span className="quiet">{whyNoEstimate(trip, told)}</span>
            )}
          </dd>
        </div>
      )}
      {trip && told && (
        <div className="time-actual">
          <dt>
            <span aria-hidden="true">■</span> Actual
          </dt>
          <dd>
            <Actual told={told} zone={zone} promised={stop.window.latest} />
          </dd>
        </div>
      )}
    </dl>
  );
}

function Estimated({
  estimate,
  zone,
  promised,
  vehicle,
}: {
  estimate: Estimate;
  zone: string;
  promised: Moment | null;
  vehicle: string | undefined;
}) {
  const at = (instant: string) => <TimeInZone moment={{ at: instant, zone, basis: "stated" }} />;
  return (
    <>
      <div>
        {at(estimate.eta)} <Late at={estimate.eta} promised={promised?.at} />
      </div>
      <div className="quiet">
        between {at(estimate.earliest)} and {at(estimate.latest)}
      </div>
      <div className="quiet">
        {estimateSource(estimate, vehicle)}, <Age at={estimate.as_of} />
        {typeof estimate.distance_km === "number" && <> · {estimate.distance_km} km to go</>}
      </div>
      <details>
        <summary>How it was computed</summary>
        {estimate.method}
      </details>
    </>
  );
}

const VISITS = [
  ["arrived", "Arrived"],
  ["delivered", "Delivered"],
  ["departed", "Left"],
] as const;

function Actual({ told, zone, promised }: { told: TripStop; zone: string; promised: Moment | null }) {
  const { actual } = told;
  const known = VISITS.filter(([what]) => actual?.[what]);
  if (!actual || known.length === 0) return <span className="quiet">No arrival heard of.</span>;
  const first = known[0]?.[0];
  return known.map(([what, word]) => {
    const visit = actual[what];
    if (!visit) return null;
    return (
      <div key={what}>
        {word} <TimeInZone moment={{ at: visit.at, zone, basis: "stated" }} />{" "}
        {what === first && what !== "departed" && <Late at={visit.at} promised={promised?.at} />}{" "}
        <span className="quiet">
          {actualSource(visit.source)}
          {visit.by_mail && `, approved by ${visit.by_mail.approved_by.name}`}
        </span>
      </div>
    );
  });
}

/** Late by an icon, words and colour; in time by words. */
function Late({ at, promised }: { at: string; promised: string | undefined }) {
  const it = lateness(at, promised);
  if (!it) return null;
  if (!it.isLate) return <span className="quiet">({it.text})</span>;
  return (
    <span className="pill tone-danger">
      <span aria-hidden="true">▲</span> {it.text}
    </span>
  );
}
