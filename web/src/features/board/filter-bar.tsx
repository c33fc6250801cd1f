import { useEffect, useId, useRef, useState } from "react";
import type { LoadStatus } from "../../api";
import { StatusPill } from "../../kit/status-pill";
import { type Filters, formatTokens, parseTokens, STATUSES } from "./filters";
import type { BoardOrder } from "./order";

interface Props {
  order: BoardOrder;
  filters: Filters;
  change: (filters: Filters, replace?: boolean) => void;
  resort: () => void;
  showKeys: () => void;
  isMapOpen: boolean;
  toggleMap: () => void;
}

/** A person who types fast should not filter ten thousand loads at every letter. */
const TYPING_MS = 200;

export function FilterBar({ order, filters, change, resort, showKeys, isMapOpen, toggleMap }: Props) {
  const toggle = (status: LoadStatus) => {
    const without = filters.status.filter((it) => it !== status);
    const next = without.length < filters.status.length ? without : [...filters.status, status];
    change({ ...filters, status: STATUSES.filter((it) => next.includes(it)) });
  };
  return (
    <div className="filter-bar">
      <TokenField filters={filters} change={change} />
      <fieldset className="status-filter">
        <legend className="unseen">Status</legend>
        {STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            className="chip"
            aria-pressed={filters.status.includes(status)}
            onClick={() => toggle(status)}
          >
            <StatusPill status={status} />{" "}
            <span className="number">{order.counts[status].toLocaleString("en-US")}</span>
          </button>
        ))}
      </fieldset>
      <div className="filter-end">
        {order.waiting > 0 && (
          <button
            type="button"
            className="button button-primary updates"
            onClick={resort}
            title="Sort them in (R)"
          >
            {order.waiting.toLocaleString("en-US")} {order.waiting === 1 ? "update" : "updates"}
          </button>
        )}
        <span className="quiet number" data-testid="shown">
          {order.keys.length.toLocaleString("en-US")} of {order.total.toLocaleString("en-US")}
        </span>
        <button type="button" className="button map-toggle" aria-pressed={isMapOpen} onClick={toggleMap}>
          Map
        </button>
        <button type="button" className="button" onClick={showKeys} aria-label="Keys on the board">
          ?
        </button>
      </div>
    </div>
  );
}

function TokenField({ filters, change }: Pick<Props, "filters" | "change">) {
  const written = formatTokens(filters);
  const [typed, setTyped] = useState(written);
  const [unknown, setUnknown] = useState<string[]>([]);
  const sent = useRef(written);
  const field = useId();
  // The address changed by other hands: a link, the back button, a status chip.
  useEffect(() => {
    if (written === sent.current) return;
    sent.current = written;
    setTyped(written);
    setUnknown([]);
  }, [written]);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const apply = (text: string) => {
    const parsed = parseTokens(text, filters);
    setUnknown(parsed.unknown);
    const next = formatTokens(parsed.filters);
    if (next === written || parsed.unknown.length > 0) return;
    sent.current = next;
    change(parsed.filters, true);
  };
  const applyNow = useRef(apply);
  useEffect(() => {
    applyNow.current = apply;
  });
  const type = (text: string) => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => applyNow.current(text), TYPING_MS);
  };
  return (
    <div className="token-field">
      <label htmlFor={field} className="unseen">
        Filter loads
      </label>
      <input
        id={field}
        type="search"
        value={typed}
        spellCheck={false}
        autoComplete="off"
        placeholder="Filter: text, status:covered, customer:…, carrier:…, invoice:missing"
        aria-invalid={unknown.length > 0}
        aria-describedby={unknown.length > 0 ? `${field}-unknown` : undefined}
        onChange={(event) => type(event.target.value)}
        data-board-filter
      />
      {unknown.length > 0 && (
        <p id={`${field}-unknown`} className="token-unknown" role="status">
          {unknown.join(", ")}: there is no such word. A status is {STATUSES.join(", ")}; an invoice is ready
          or missing.
        </p>
      )}
    </div>
  );
}
