import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { board, retryNow, useTable } from "../../app/live";
import { Dialog, Keys } from "../../kit/dialog";
import { Empty, Failed, Loading, NotAllowed } from "../../kit/states";
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
  const change = (next: Filters, replace = false) => navigate({ search: toSearch(next), replace });
  if (!model) return null;
  return (
    <section className="board" aria-label="Live board">
      <h1 className="unseen">Board</h1>
      <Filtered model={model} filters={filters} change={change} showKeys={() => setShowsKeys(true)} />
      {showsKeys && (
        <Dialog title="Keys on the board" close={() => setShowsKeys(false)}>
          <Keys keys={KEYS} />
        </Dialog>
      )}
    </section>
  );
}

interface FilteredProps {
  model: BoardModel;
  filters: Filters;
  change: (filters: Filters, replace?: boolean) => void;
  showKeys: () => void;
}

function Filtered({ model, filters, change, showKeys }: FilteredProps) {
  useEffect(() => model.filter(filters), [model, filters]);
  const order = useSyncExternalStore(model.subscribe, () => model.current);
  return (
    <>
      <FilterBar
        order={order}
        filters={filters}
        change={change}
        resort={() => model.resort()}
        showKeys={showKeys}
      />
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
          />
        )}
      </Rows>
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
