import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { ApiError, type LoadDetail, readLoad, readTimeline } from "../../api";
import { board, useRow } from "../../app/live";
import { formatMoney } from "../../kit/money";
import { Empty, Failed, Loading } from "../../kit/states";
import { Expedited, SeverityPill, StatusPill } from "../../kit/status-pill";
import { Age, Countdown, TimeHere, TimeInZone } from "../../kit/time-in-zone";
import { words } from "../../kit/value";
import { MailSection } from "../mail/mails";
import { CoverForm } from "./cover-form";
import { DocumentsSection } from "./documents";
import { ExpediteSection } from "./expedite";
import { Tender } from "./tender";
import { Timeline } from "./timeline";
import { TripSection } from "./trip";
import "./load.css";

/** A busy load is read again at most this often. */
const REREAD_MS = 1_000;
/** Positions are told at most once a minute. */
const POSITION_REREAD_MS = 30_000;

export function LoadPage() {
  const { id } = useParams({ from: "/loads/$id" });
  const load = useQuery({
    queryKey: ["load", id],
    queryFn: () => readLoad(id),
    placeholderData: keepPreviousData,
    // A position that moves no estimate changes no row of the board.
    refetchInterval: ({ state }) =>
      state.data?.trip?.vehicle && !state.data.trip.completed ? POSITION_REREAD_MS : false,
  });
  const timeline = useQuery({ queryKey: ["timeline", id], queryFn: () => readTimeline(id) });
  useRereading(id);
  if (load.error && !load.data) {
    if (load.error instanceof ApiError && load.error.status === 404) {
      return (
        <Empty title="There is no such load">
          <p>Check the address, or look for its reference on the board.</p>
          <Link to="/">To the board</Link>
        </Empty>
      );
    }
    return <Failed what="The load" why={load.error.message} retry={() => load.refetch()} />;
  }
  if (!load.data || load.data.load.id !== id) return <Loading what="Reading the load" />;
  return (
    <div className="load">
      <Head detail={load.data} />
      <div className="load-columns">
        <div className="load-facts">
          <Waiting detail={load.data} />
          <ExpediteSection detail={load.data} />
          <ByHand detail={load.data} />
          <MailSection load={id} />
          <TripSection detail={load.data} />
          <DocumentsSection detail={load.data} />
          <Tender tender={load.data.tender} />
        </div>
        <section className="panel load-timeline" aria-label="Timeline">
          {timeline.data ? (
            <Timeline entries={timeline.data.entries} />
          ) : timeline.error ? (
            <Failed what="The timeline" why={timeline.error.message} retry={() => timeline.refetch()} />
          ) : (
            <Loading what="Reading the timeline" />
          )}
        </section>
      </div>
    </div>
  );
}

/** The live stream says that the load changed; the page then reads it again. */
function useRereading(id: string): void {
  const queries = useQueryClient();
  const row = useRow(board, id);
  const seen = useRef(row);
  useEffect(() => {
    if (seen.current === row) return;
    const timer = setTimeout(() => {
      seen.current = row;
      void queries.invalidateQueries({ queryKey: ["load", id] });
      void queries.invalidateQueries({ queryKey: ["timeline", id] });
      void queries.invalidateQueries({ queryKey: ["mails", id] });
    }, REREAD_MS);
    return () => clearTimeout(timer);
  }, [row, id, queries]);
}

function Head({ detail }: { detail: LoadDetail }) {
  const { load, order, shipment, status } = detail;
  const goods = shipment?.goods.map((it) => it.description).filter(Boolean);
  return (
    <header className="load-head">
      <div className="load-title">
        <Link to="/" className="back">
          ← Board
        </Link>
        <h1>Load {load.reference}</h1>
        <StatusPill status={status} />
        {load.priority === "high" && <Expedited />}
      </div>
      <dl className="load-summary">
        <Fact name="Customer">{order?.customer_name ?? order?.customer}</Fact>
        <Fact name="Order">{order?.reference}</Fact>
        <Fact name="Equipment">
          {words(load.equipment.kind)}
          {load.equipment.code ? ` (${load.equipment.code})` : ""}
        </Fact>
        <Fact name="Goods">{goods?.length ? goods.join(", ") : null}</Fact>
        <Fact name="Weight">{shipment?.weight?.original}</Fact>
        <Fact name="Pieces">{shipment?.pieces}</Fact>
        <Fact name="Customer's rate">{load.rate && formatMoney(load.rate)}</Fact>
        <Fact name="Answer the customer by">
          {load.respond_by && <TimeInZone moment={load.respond_by} />}
        </Fact>
        <Fact name="Load id">
          <span className="mono">{load.id}</span>
        </Fact>
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === null || children === undefined || children === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The way for a person who has found a carrier. */
function ByHand({ detail }: { detail: LoadDetail }) {
  const [isOpen, setIsOpen] = useState(false);
  if (!detail.allowed_actions.includes("cover")) return null;
  return (
    <section className="panel load-part">
      <h2>By hand</h2>
      {isOpen ? (
        <CoverForm load={detail.load.id} close={() => setIsOpen(false)} />
      ) : (
        <button type="button" className="button" onClick={() => setIsOpen(true)}>
          Cover by hand
        </button>
      )}
    </section>
  );
}

/** What keeps a person busy on this load, with the way to it. */
function Waiting({ detail }: { detail: LoadDetail }) {
  const { approvals, exceptions, held } = detail;
  if (approvals.length + exceptions.length + held.length === 0) return null;
  return (
    <section className="panel load-part load-waiting">
      <h2>Waiting for a person</h2>
      <ul>
        {held.map((it) => (
          <li key={it.id}>
            <Link to="/inbox" search={{ item: it.id }}>
              {it.title}
            </Link>
            <span className="quiet">
              {" "}
              · held <Age at={it.since} />, automation {it.mode === "observe" ? "observes" : "is stopped"}
            </span>
          </li>
        ))}
        {approvals.map((it) => (
          <li key={it.id}>
            <Link to="/inbox" search={{ item: it.id }}>
              {it.title}
            </Link>
            {it.deadline && (
              <span>
                {" "}
                · decide by <TimeHere at={it.deadline} />, <Countdown deadline={it.deadline} />
              </span>
            )}
          </li>
        ))}
        {exceptions.map((it) => (
          <li key={it.id}>
            <SeverityPill severity={it.severity} />{" "}
            <Link to="/inbox" search={{ item: it.id }}>
              {it.title}
            </Link>
            {it.raised_at && (
              <span className="quiet">
                {" "}
                · raised <Age at={it.raised_at} />
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
