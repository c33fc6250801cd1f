import { useId } from "react";
import { TimeHere } from "../../kit/time-in-zone";
import {
  type Drill,
  formatCounted,
  formatHours,
  formatValue,
  HOURS,
  type Kpi,
  type Kpis,
  trend,
} from "./figures";
import { useKpis } from "./use-kpis";
import "./kpi.css";

interface Props {
  hours: number;
  setHours: (hours: number) => void;
  drill: Drill | null;
  open: (drill: Drill | null) => void;
}

/** The night in figures. Each leads to its loads and says how it is counted. */
export function KpiStrip({ hours, setHours, drill, open }: Props) {
  const { data, error } = useKpis(hours);
  const period = useId();
  return (
    <section className="kpis" aria-label="Key figures">
      <div className="kpis-period">
        <label htmlFor={period} className="quiet">
          Last
        </label>
        <select
          id={period}
          className="select"
          value={hours}
          onChange={(event) => setHours(Number(event.target.value))}
        >
          {HOURS.map((it) => (
            <option key={it} value={it}>
              {formatHours(it)}
            </option>
          ))}
        </select>
        {error && (
          <span className="kpis-failed" title={error.message}>
            <span aria-hidden="true">▲</span> May be old
          </span>
        )}
      </div>
      {data ? (
        <ul className="kpis-list">
          {data.kpis.map((it) => (
            <Tile key={it.name} kpi={it} kpis={data} drill={drill} open={open} />
          ))}
        </ul>
      ) : (
        <p className="kpis-wait quiet">{error ? error.message : "Counting…"}</p>
      )}
    </section>
  );
}

interface TileProps {
  kpi: Kpi;
  kpis: Kpis;
  drill: Drill | null;
  open: (drill: Drill | null) => void;
}

function Tile({ kpi, kpis, drill, open }: TileProps) {
  const why = useId();
  const isOpen = drill?.kpi === kpi.name;
  const way = trend(kpi);
  const show = (part: string) => open({ kpi: kpi.name, part, from: kpis.from, to: kpis.to });
  return (
    <li className={`kpi ${isOpen ? "kpi-open" : ""}`} data-kpi={kpi.name}>
      <button
        type="button"
        className="kpi-face"
        title={`${kpi.title}: show these loads`}
        aria-pressed={isOpen}
        onClick={() => (isOpen ? open(null) : show("counted"))}
      >
        <span className="kpi-title">{kpi.title}</span>
        <span className="kpi-value">{formatValue(kpi.now.value, kpi.unit)}</span>
        <span className="kpi-under">
          <span className="quiet">{formatCounted(kpi)}</span>
          {way && (
            <span className={`kpi-trend kpi-${way.tone}`}>
              <span aria-hidden="true">{{ up: "▲", down: "▼", level: "■" }[way.direction]} </span>
              <span className="unseen">
                {way.direction === "level"
                  ? ""
                  : `${way.direction}, ${way.tone === "good" ? "better" : "worse"}: `}
              </span>
              {way.text}
            </span>
          )}
        </span>
      </button>
      <button
        type="button"
        className="kpi-why"
        popoverTarget={why}
        aria-label={`How ${kpi.title} is counted`}
      >
        ?
      </button>
      <div id={why} popover="auto" className="kpi-explained panel" role="dialog" aria-label={kpi.title}>
        <Explained kpi={kpi} kpis={kpis} show={show} />
      </div>
    </li>
  );
}

function Explained({ kpi, kpis, show }: { kpi: Kpi; kpis: Kpis; show: (part: string) => void }) {
  const close = (event: { currentTarget: HTMLElement }) =>
    event.currentTarget.closest<HTMLElement>("[popover]")?.hidePopover();
  return (
    <>
      <h2>{kpi.title}</h2>
      <p>{kpi.formula}</p>
      <p className="quiet">{kpi.left_out_why}</p>
      <dl className="kpi-sums">
        <div>
          <dt>This period</dt>
          <dd>{sum(kpi.now, kpi.unit)}</dd>
        </div>
        <div>
          <dt>The one before</dt>
          <dd>{sum(kpi.before, kpi.unit)}</dd>
        </div>
        {kpi.left_out > 0 && (
          <div>
            <dt>Left out</dt>
            <dd className="number">{kpi.left_out.toLocaleString("en-US")}</dd>
          </div>
        )}
      </dl>
      <p className="quiet">
        From <TimeHere at={kpis.from} /> up to <TimeHere at={kpis.to} />
      </p>
      <div className="kpi-parts">
        {kpi.parts.map((it) => (
          <button
            key={it.part}
            type="button"
            className="button"
            onClick={(event) => {
              close(event);
              show(it.part);
            }}
          >
            {it.title}
          </button>
        ))}
      </div>
      <p className="kpi-source quiet">{kpi.source}</p>
    </>
  );
}

function sum(figure: Kpi["now"], unit: string) {
  const value = formatValue(figure.value, unit);
  if (figure.denominator === null || figure.denominator === undefined)
    return <span className="number">{value}</span>;
  const numerator = figure.numerator.toLocaleString("en-US", { maximumFractionDigits: 1 });
  return (
    <span className="number">
      {numerator} ÷ {figure.denominator.toLocaleString("en-US")} = <strong>{value}</strong>
    </span>
  );
}

/** Says what the board is filtered to, and lets go of it. */
export function DrillBar({
  drill,
  total,
  hours,
  problem,
  open,
}: {
  drill: Drill;
  total: number | null;
  hours: number;
  problem: string | null;
  open: (drill: Drill | null) => void;
}) {
  const { data } = useKpis(hours);
  const kpi = data?.kpis.find((it) => it.name === drill.kpi);
  return (
    <div className="drill-bar" role="status">
      <span>
        <strong>{kpi?.title ?? drill.kpi}</strong>
        <span className="quiet">
          {" "}
          · <TimeHere at={drill.from} /> to <TimeHere at={drill.to} />
        </span>
      </span>
      <span className="drill-parts">
        {kpi?.parts.map((it) => (
          <button
            key={it.part}
            type="button"
            className="chip chip-text"
            aria-pressed={it.part === drill.part}
            onClick={() => open({ ...drill, part: it.part })}
          >
            {it.title}
            {it.part === drill.part && total !== null && (
              <span className="number">{total.toLocaleString("en-US")}</span>
            )}
          </button>
        ))}
      </span>
      {problem && <span className="kpis-failed">{problem}</span>}
      <button type="button" className="button" onClick={() => open(null)}>
        All loads
      </button>
    </div>
  );
}
