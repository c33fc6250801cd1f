import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ApiError, readVehicles, type VehicleRow } from "../../api";
import { board, useRow } from "../../app/live";
import { Empty, Failed, Loading, NotAllowed } from "../../kit/states";
import { Pill } from "../../kit/status-pill";
import { Age } from "../../kit/time-in-zone";
import { formatPlace } from "../../kit/trip";
import { readShow, refusedWords, type Show, select } from "./show";
import "./vehicles.css";

/** Vehicles are told at most once a minute; reading them more often shows nothing new. */
const REREAD_MS = 15_000;

export function Vehicles() {
  const vehicles = useQuery({ queryKey: ["vehicles"], queryFn: readVehicles, refetchInterval: REREAD_MS });
  const show = readShow(useSearch({ from: "/vehicles" }).show);
  if (vehicles.error && !vehicles.data) {
    if (vehicles.error instanceof ApiError && vehicles.error.status === 403)
      return <NotAllowed what="Vehicles" why={vehicles.error.message} />;
    return <Failed what="Vehicles" why={vehicles.error.message} retry={() => vehicles.refetch()} />;
  }
  if (!vehicles.data) return <Loading what="Reading the vehicles" />;
  const { rows, total } = vehicles.data;
  const shown = select(rows, show);
  return (
    <section className="vehicles" aria-labelledby="vehicles-title">
      <div className="vehicles-head">
        <h1 id="vehicles-title">
          Vehicles <span className="quiet number">{total.toLocaleString("en-US")}</span>
        </h1>
        <Chips
          show={show}
          counts={{
            all: rows.length,
            unassigned: select(rows, "unassigned").length,
            refused: select(rows, "refused").length,
          }}
        />
      </div>
      {vehicles.error && (
        <p className="note note-warning" role="status">
          What you see may be old: {vehicles.error.message}
        </p>
      )}
      {total > rows.length && (
        <p className="note">
          The {rows.length.toLocaleString("en-US")} heard of last are shown, of{" "}
          {total.toLocaleString("en-US")}.
        </p>
      )}
      {rows.length === 0 ? (
        <Empty title="No vehicle has been heard of">
          Vehicles appear here by themselves once positions come in to a telematics source.
        </Empty>
      ) : shown.length === 0 ? (
        <Empty title={show === "unassigned" ? "Every vehicle has a load" : "Every position was taken"} />
      ) : (
        <div className="panel vehicles-table">
          <Table rows={shown} />
        </div>
      )}
    </section>
  );
}

const CHIPS: [Show, string][] = [
  ["all", "All"],
  ["unassigned", "Without a load"],
  ["refused", "With refused positions"],
];

function Chips({ show, counts }: { show: Show; counts: Record<Show, number> }) {
  const navigate = useNavigate({ from: "/vehicles" });
  return (
    <fieldset className="status-filter">
      <legend className="unseen">Which vehicles</legend>
      {CHIPS.map(([it, text]) => (
        <button
          key={it}
          type="button"
          className="chip chip-text"
          aria-pressed={show === it}
          onClick={() => navigate({ search: it === "all" ? {} : { show: it }, replace: true })}
        >
          {text} <span className="number">{counts[it]}</span>
        </button>
      ))}
    </fieldset>
  );
}

function Table({ rows }: { rows: { key: string; row: VehicleRow }[] }) {
  return (
    <table className="facts">
      <thead>
        <tr>
          <th scope="col">Vehicle</th>
          <th scope="col">Load</th>
          <th scope="col">Latest position</th>
          <th scope="col">Heard</th>
          <th scope="col">Source</th>
          <th scope="col">Refused</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, row }) => (
          <tr key={key}>
            <th scope="row">{row.vehicle}</th>
            <td>
              <Loads row={row} />
            </td>
            <td className="number">
              {formatPlace(row.coordinates)}
              {typeof row.speed_kmh === "number" && <span className="quiet"> · {row.speed_kmh} km/h</span>}
            </td>
            <td className="number">
              <Age at={row.at} />
            </td>
            <td className="quiet">{row.source}</td>
            <td>
              <Refused row={row} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Loads({ row }: { row: VehicleRow }) {
  if (row.loads.length === 0) {
    return (
      <Pill tone="warning" shape="◆">
        No load
      </Pill>
    );
  }
  return row.loads.map((it, at) => (
    <span key={it}>
      {at > 0 && ", "}
      <LoadLink load={it} />
    </span>
  ));
}

function LoadLink({ load }: { load: string }) {
  const row = useRow(board, load);
  return (
    <Link to="/loads/$id" params={{ id: load }}>
      {row?.reference ?? load}
    </Link>
  );
}

function Refused({ row }: { row: VehicleRow }) {
  const words = refusedWords(row);
  if (!words) return <span className="quiet">none</span>;
  return (
    <span className="refused">
      <span aria-hidden="true">▲ </span>
      {words}
    </span>
  );
}
