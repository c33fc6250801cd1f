import type { ReactNode } from "react";
import type { BoardRow } from "../../api";
import { formatMoney } from "../../kit/money";
import { StatusPill } from "../../kit/status-pill";
import { viewerZone } from "../../kit/time";
import { Countdown, TimeHere, TimeInZone } from "../../kit/time-in-zone";
import { expected } from "../../kit/trip";
import type { Sort } from "./filters";

export interface Column {
  name: string;
  title: string;
  sort: Sort;
  explain: string;
  /** What the cell says, to see whether it changed. */
  says: (row: BoardRow) => string;
  show: (row: BoardRow) => ReactNode;
}

const nothing = <span className="quiet">–</span>;

function explain({ trip }: BoardRow): string | undefined {
  if (!trip) return undefined;
  return [
    trip.vehicle ? `Vehicle ${trip.vehicle}` : "No vehicle is assigned",
    trip.next_stop && !trip.completed ? `Next stop: ${trip.next_stop}` : null,
  ]
    .filter(Boolean)
    .join("\n");
}

export const COLUMNS: readonly Column[] = [
  {
    name: "status",
    title: "Status",
    sort: "urgency",
    explain:
      "Expedited loads without a carrier, then the most pressing: exceptions, approvals, the time left",
    says: (row) => row.status,
    show: (row) => (
      <>
        <StatusPill status={row.status} />
        {row.priority === "high" && (
          <span className="expedited" title="Expedited">
            <span aria-hidden="true">»</span>
            <span className="unseen">Expedited</span>
          </span>
        )}
      </>
    ),
  },
  {
    name: "reference",
    title: "Reference",
    sort: "reference",
    explain: "The customer's number for the load",
    says: (row) => row.reference,
    show: (row) => (
      // A plain link, which the grid opens: forty of the router's own would each watch the address.
      <a href={`/loads/${encodeURIComponent(row.load)}`} tabIndex={-1} className="reference">
        {row.reference}
      </a>
    ),
  },
  {
    name: "customer",
    title: "Customer",
    sort: "customer",
    explain: "Who ordered it",
    says: (row) => row.customer,
    show: (row) => row.customer,
  },
  {
    name: "lane",
    title: "Lane",
    sort: "lane",
    explain: "From where to where",
    says: (row) => `${row.origin} ${row.destination}`,
    show: (row) => (
      <span title={row.lane}>
        {row.origin} <span aria-hidden="true">→</span>
        <span className="unseen">to</span> {row.destination}
      </span>
    ),
  },
  {
    name: "pickup",
    title: "Pickup",
    sort: "pickup",
    explain: "In the zone of the pickup",
    says: (row) => row.pickup?.at ?? "",
    show: (row) => (row.pickup ? <TimeInZone moment={row.pickup} /> : nothing),
  },
  {
    name: "carrier",
    title: "Carrier or offer",
    sort: "carrier",
    explain: "The carrier that has the load, or the one that is asked",
    says: (row) => `${row.carrier} ${row.offer?.scac} ${row.offer?.rank}`,
    show: (row) => {
      if (row.carrier) return row.carrier;
      if (!row.offer) return nothing;
      return (
        <span className="offered" title={`Rank ${row.offer.rank} in the routing guide`}>
          <span className="rank">#{row.offer.rank}</span> {row.offer.carrier}
        </span>
      );
    },
  },
  {
    name: "respond",
    title: "Respond by",
    sort: "respond_by",
    explain: "Time left for the carrier to answer",
    says: (row) => row.offer?.respond_by ?? "",
    show: (row) => (row.offer ? <Countdown deadline={row.offer.respond_by} /> : nothing),
  },
  {
    name: "expected",
    title: "Expected",
    sort: "expected",
    explain: "When the last delivery is expected, in its zone; late ones first",
    says: (row) => JSON.stringify(expected(row.trip)),
    show: (row) => {
      const it = expected(row.trip);
      if (!it) return nothing;
      return (
        <span className={it.isLate ? "late" : undefined} title={explain(row)}>
          {it.isLate && <span aria-hidden="true">▲ </span>}
          {it.word === "Expected" ? <span className="unseen">Expected </span> : it.word}
          {it.at && (
            <>
              {it.word === "Expected" ? "" : " "}
              <TimeInZone moment={{ at: it.at, zone: row.delivery?.zone ?? viewerZone(), basis: "stated" }} />
            </>
          )}
        </span>
      );
    },
  },
  {
    name: "rate",
    title: "Rate",
    sort: "rate",
    explain: "Offered, or else agreed",
    says: (row) => JSON.stringify(row.offer?.rate ?? row.rate),
    show: (row) => {
      const rate = row.offer?.rate ?? row.rate;
      return rate ? formatMoney(rate) : nothing;
    },
  },
  {
    name: "invoice",
    title: "Invoice",
    sort: "invoice",
    explain: "Whether a delivered load can be invoiced, or how many things that lacks; the most first",
    says: (row) => JSON.stringify(row.invoice?.missing ?? null),
    show: ({ invoice }) => {
      if (!invoice) return nothing;
      if (invoice.ready) return "✓ Ready";
      return (
        <span title={`Missing: ${invoice.missing.map((it) => it.text).join("; ")}`}>
          {invoice.missing.length} missing
        </span>
      );
    },
  },
  {
    name: "exceptions",
    title: "Open",
    sort: "exceptions",
    explain: "Open exceptions",
    says: (row) => String(row.exceptions),
    show: (row) =>
      row.exceptions > 0 ? (
        <span className="count-danger">
          <span aria-hidden="true">▲ </span>
          {row.exceptions}
          <span className="unseen"> open</span>
        </span>
      ) : (
        nothing
      ),
  },
  {
    name: "updated",
    title: "Last change",
    sort: "updated",
    explain: "When it last changed, in your zone",
    says: () => "",
    show: (row) => <TimeHere at={row.updated_at} shape="clock" />,
  },
];
