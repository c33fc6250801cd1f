import { useNavigate } from "@tanstack/react-router";
import {
  type KeyboardEvent,
  type MouseEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { board } from "../../app/live";
import { COLUMNS } from "./columns";
import type { Filters, Sort } from "./filters";
import type { BoardOrder } from "./order";
import { GridRow } from "./row";

/** As in board.css. */
export const ROW_PX = 36;
const OVERSCAN = 8;

interface Props {
  order: BoardOrder;
  filters: Filters;
  sortBy: (sort: Sort) => void;
  resort: () => void;
  showKeys: () => void;
  /** The load that the map looks at. */
  selected: string | null;
  /** Tells the map which load the row with the focus is about; none while there is no map. */
  select: ((load: string | null) => void) | null;
}

/** A person who walks through the rows does not want the map to follow each step. */
const REST_MS = 200;

/** A grid that draws only the rows in sight, with one cell in the tab order. */
export function Grid({ order, filters, sortBy, resort, showKeys, selected, select }: Props) {
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const window = useWindow(scroller, order.keys.length);
  const [active, setActive] = useState<{ key: string | null; column: number }>({ key: null, column: 1 });
  const wantsFocus = useRef(false);

  const found = active.key === null ? -1 : order.keys.indexOf(active.key);
  const row = found < 0 ? 0 : found;
  const activeKey = order.keys[row] ?? null;

  const go = useCallback(
    (index: number, column: number) => {
      const bounded = Math.max(0, Math.min(order.keys.length - 1, index));
      wantsFocus.current = true;
      reveal(scroller.current, bounded);
      setActive({
        key: order.keys[bounded] ?? null,
        column: Math.max(0, Math.min(COLUMNS.length - 1, column)),
      });
    },
    [order.keys],
  );

  // Chosen on the map: its row comes into sight, and the focus stays where it is.
  const told = useRef<string | null>(null);
  const keys = useRef(order.keys);
  keys.current = order.keys;
  useEffect(() => {
    if (selected === null || selected === told.current) return;
    const at = keys.current.indexOf(selected);
    told.current = selected;
    if (at < 0) return;
    reveal(scroller.current, at);
    setActive((before) => ({ key: selected, column: before.column }));
  }, [selected]);
  // Chosen here: the map is told once the person rests on it.
  const tell = useRef(select);
  tell.current = select;
  const isFollowed = select !== null;
  useEffect(() => {
    if (!isFollowed || active.key === null || active.key === told.current) return;
    const timer = setTimeout(() => {
      told.current = active.key;
      tell.current?.(active.key);
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [active.key, isFollowed]);

  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    const cell = scroller.current?.querySelector<HTMLElement>('[role="gridcell"][tabindex="0"]');
    cell?.focus({ preventScroll: true });
  });

  const open = useCallback((id: string) => navigate({ to: "/loads/$id", params: { id } }), [navigate]);
  const activate = useCallback((key: string, column: number) => setActive({ key, column }), []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey) return;
    const move = movement(event, row, active.column, order.keys.length, scroller.current);
    if (move) {
      event.preventDefault();
      return go(...move);
    }
    if (event.ctrlKey) return;
    if (event.key === "Enter" && activeKey) open(board.rows.get(activeKey)?.load ?? activeKey);
    else if (event.key.toLowerCase() === "r") resort();
    else if (event.key === "?") showKeys();
    else if (event.key === "/") document.querySelector<HTMLElement>("[data-board-filter]")?.focus();
    else return;
    event.preventDefault();
  };

  /** A plain click on a reference stays in the console; one with a modifier is the browser's, as for any link. */
  const onClick = (event: MouseEvent) => {
    const link = (event.target as HTMLElement).closest("a");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
      return;
    event.preventDefault();
    open(decodeURIComponent(link.pathname.replace("/loads/", "")));
  };

  // The row with the focus is drawn wherever it is, so that scrolling does not lose the focus.
  const indexes = range(window.first, window.last);
  if (order.keys.length > 0 && (row < window.first || row >= window.last)) indexes.push(row);

  return (
    <div
      className="grid"
      role="grid"
      aria-label="Loads"
      aria-rowcount={order.keys.length + 1}
      aria-colcount={COLUMNS.length}
      ref={scroller}
      onKeyDown={onKeyDown}
      onClick={onClick}
    >
      <div role="rowgroup" className="grid-head">
        <div role="row" className="grid-row" aria-rowindex={1}>
          {COLUMNS.map((column, index) => (
            <HeadCell key={column.name} index={index} filters={filters} sortBy={sortBy} />
          ))}
        </div>
      </div>
      <div role="rowgroup" className="grid-body" style={{ height: order.keys.length * ROW_PX }}>
        {indexes.map((index) => {
          const key = order.keys[index];
          if (key === undefined) return null;
          return (
            <GridRow
              key={key}
              id={key}
              index={index}
              column={index === row ? active.column : -1}
              activate={activate}
              open={open}
            />
          );
        })}
      </div>
    </div>
  );
}

function HeadCell({
  index,
  filters,
  sortBy,
}: {
  index: number;
  filters: Filters;
  sortBy: (sort: Sort) => void;
}) {
  const column = COLUMNS[index];
  if (!column) return null;
  const isSorted = filters.sort === column.sort;
  const direction = filters.descending ? "descending" : "ascending";
  return (
    <div
      role="columnheader"
      className={`cell cell-${column.name}`}
      aria-colindex={index + 1}
      aria-sort={isSorted ? direction : "none"}
    >
      <button type="button" onClick={() => sortBy(column.sort)} title={column.explain}>
        {column.title}
        <span aria-hidden="true">{isSorted ? (filters.descending ? " ↓" : " ↑") : ""}</span>
      </button>
    </div>
  );
}

/** Where a key leads, as row and column; `null` where it leads nowhere. */
export function movement(
  event: Pick<KeyboardEvent, "key" | "ctrlKey">,
  row: number,
  column: number,
  rows: number,
  scroller: { clientHeight: number } | null,
): [row: number, column: number] | null {
  const page = Math.max(1, Math.floor((scroller?.clientHeight ?? 0) / ROW_PX) - 2);
  if (event.ctrlKey) {
    if (event.key === "Home") return [0, 0];
    return event.key === "End" ? [rows - 1, COLUMNS.length - 1] : null;
  }
  switch (event.key) {
    case "ArrowDown":
    case "j":
    case "J":
      return [row + 1, column];
    case "ArrowUp":
    case "k":
    case "K":
      return [row - 1, column];
    case "ArrowRight":
      return [row, column + 1];
    case "ArrowLeft":
      return [row, column - 1];
    case "PageDown":
      return [row + page, column];
    case "PageUp":
      return [row - page, column];
    case "Home":
      return [row, 0];
    case "End":
      return [row, COLUMNS.length - 1];
    default:
      return null;
  }
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index);
}

/** Scrolls just far enough to show a row below the head. */
function reveal(scroller: HTMLElement | null, index: number): void {
  if (!scroller) return;
  const top = index * ROW_PX;
  const height = scroller.clientHeight - ROW_PX;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + ROW_PX > scroller.scrollTop + height) scroller.scrollTop = top + ROW_PX - height;
}

/** The rows in sight, with some above and below. */
function useWindow(
  scroller: React.RefObject<HTMLDivElement | null>,
  count: number,
): { first: number; last: number } {
  const [seen, setSeen] = useState({ first: 0, last: 40 });
  useEffect(() => {
    const it = scroller.current;
    if (!it) return;
    let asked = 0;
    const measure = () => {
      asked = 0;
      const first = Math.max(0, Math.floor(it.scrollTop / ROW_PX) - OVERSCAN);
      const last = Math.ceil((it.scrollTop + it.clientHeight) / ROW_PX) + OVERSCAN;
      setSeen((before) => (before.first === first && before.last === last ? before : { first, last }));
    };
    const ask = () => {
      asked ||= requestAnimationFrame(measure);
    };
    measure();
    it.addEventListener("scroll", ask, { passive: true });
    const sizes = new ResizeObserver(ask);
    sizes.observe(it);
    return () => {
      cancelAnimationFrame(asked);
      it.removeEventListener("scroll", ask);
      sizes.disconnect();
    };
  }, [scroller]);
  return { first: Math.min(seen.first, count), last: Math.min(seen.last, count) };
}
