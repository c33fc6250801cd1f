import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { board, retryNow, useTable } from "../../app/live";
import { Dialog, Keys } from "../../kit/dialog";
import { Empty, Failed, Loading, NotAllowed } from "../../kit/states";
import { type Drill, HOURS } from "../kpi/figures";
import { DrillBar, KpiStrip } from "../kpi/strip";
import { useDrill } from "../kpi/use-kpis";
import { Split } from "../map/split";
import { FilterBar } from "./filter-bar";
import { EVERYTHING, type Filters, fromSearch, toSearch } from "./filters";
import { Grid } from "./grid";
import { BoardModel } from "./order";
import "./board.css";

const KEYS: [string, string][] = [
  ["↑ ↓ or K J", "previous or next load"],
  ["← →", "previous or next cell"],
  ["Page Up, Page Down", "a screen up or down"],
  ["Ctrl Home, Ctrl End", "first or last load"],
  ["Enter", "open the load"],
  ["R", "sort the waiting updates in"],
  ["/", "filter"],
  ["?", "this list"],
];

export function Board() {
  const search = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const filters = useMemo(() => fromSearch(search as Record<string, unknown>), [search]);
  const [showsKeys, setShowsKeys] = useState(false);
  const [model, setModel] = useState<BoardModel | null>(null);
  useEffect(() => {
    const made = new BoardModel(board);
    setModel(made);
    return () => made.close();
  }, []);
  const change = (next: Filters, replace = false) =>
    navigate({ search: { ...toSearch(next), ...given({ map: search.map, load: search.load }) }, replace });
  const look = (next: Looked, replace: boolean) =>
    navigate({
      search: given({ ...toSearch(filters), map: search.map, load: search.load, ...next }),
      replace,
    });
  if (!model) return null;
  return (
    <section className="board" aria-label="Live board">
      <h1 className="unseen">Board</h1>
      <Filtered
        model={model}
        filters={filters}
        change={change}
        looked={{ map: search.map, load: search.load }}
        look={look}
        showKeys={() => setShowsKeys(true)}
      />
      {showsKeys && (
        <Dialog title="Keys on the board" close={() => setShowsKeys(false)}>
          <Keys keys={KEYS} />
        </Dialog>
      )}
    </section>
  );
}

/** What of the board is looked at, beside the filter: kept in the address as well. */
interface Looked {
  map?: string;
  load?: string;
}

/** Without what is not there, so that the address stays short. */
function given<Search extends object>(search: Search): Search {
  return Object.fromEntries(Object.entries(search).filter(([, it]) => it !== undefined)) as Search;
}

interface FilteredProps {
  model: BoardModel;
  filters: Filters;
  change: (filters: Filters, replace?: boolean) => void;
  looked: Looked;
  look: (looked: Looked, replace: boolean) => void;
  showKeys: () => void;
}

function Filtered({ model, filters, change, looked, look, showKeys }: FilteredProps) {
  const [hours, setHours] = useState<number>(HOURS[0]);
  const { drill } = filters;
  const { keys, total, error } = useDrill(drill);
  useEffect(() => model.filter(filters), [model, filters]);
  useEffect(() => model.only(keys), [model, keys]);
  const order = useSyncExternalStore(model.subscribe, () => model.current);
  const drillTo = (next: Drill | null) => change({ ...filters, drill: next });
  const isMapOpen = looked.map === "open";
  const selected = (isMapOpen && looked.load) || null;
  const select = (load: string | null) => look({ load: load ?? undefined }, true);
  return (
    <>
      <KpiStrip hours={hours} setHours={setHours} drill={drill} open={drillTo} />
      {drill && (
        <DrillBar drill={drill} total={total} hours={hours} problem={error?.message ?? null} open={drillTo} />
      )}
      <FilterBar
        order={order}
        filters={filters}
        change={change}
        resort={() => model.resort()}
        showKeys={showKeys}
        isMapOpen={isMapOpen}
        toggleMap={() => look({ map: isMapOpen ? undefined : "open", load: undefined }, false)}
      />
      <Split isOpen={isMapOpen} selected={selected} select={select}>
        <Rows order={order}>
          {order.keys.length === 0 ? (
            <Empty title="No load matches this filter">
              <p>{order.total.toLocaleString("en-US")} loads are on the board.</p>
              <button
                type="button"
                className="button"
                onClick={() => change({ ...EVERYTHING, sort: filters.sort, descending: filters.descending })}
              >
                Clear the filter
              </button>
            </Empty>
          ) : (
            <Grid
              order={order}
              filters={filters}
              sortBy={(sort) =>
                change({ ...filters, sort, descending: filters.sort === sort && !filters.descending })
              }
              resort={() => model.resort()}
              showKeys={showKeys}
              selected={selected}
              select={isMapOpen ? select : null}
            />
          )}
        </Rows>
      </Split>
    </>
  );
}

function Rows({ order, children }: { order: { total: number }; children: ReactNode }) {
  const { state, problem } = useTable(board);
  if (state === "forbidden") return <NotAllowed what="The board" why={problem} />;
  if (state === "failed") return <Failed what="The board" why={problem ?? ""} retry={retryNow} />;
  if (state === "loading") return <Loading what="Reading the board" />;
  if (order.total === 0) {
    return (
      <Empty title="No loads yet">
        Loads appear here by themselves as orders come in by EDI, e-mail or the API. Nothing needs to be
        refreshed.
      </Empty>
    );
  }
  return children;
}
