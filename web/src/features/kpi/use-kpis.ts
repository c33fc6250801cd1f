// Figures follow the feed: they are asked for again only when something has changed, and not more often than every
// three seconds.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { readDrill, readKpis } from "../../api";
import { board, inbox } from "../../app/live";
import type { Drill } from "./figures";

const EVERY_MS = 3_000;
/** Time passes too: what was within the period leaves it. */
const ANYWAY_MS = 60_000;

export function useKpis(hours: number) {
  const queries = useQueryClient();
  useEffect(() => {
    let isDirty = false;
    let asked = Date.now();
    const hear = () => {
      isDirty = true;
    };
    const stops = [board.subscribe(hear), inbox.subscribe(hear)];
    const timer = setInterval(() => {
      if (document.hidden || (!isDirty && Date.now() - asked < ANYWAY_MS)) return;
      isDirty = false;
      asked = Date.now();
      void queries.invalidateQueries({ queryKey: ["kpis"] });
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
      for (const stop of stops) stop();
    };
  }, [queries]);
  return useQuery({
    queryKey: ["kpis", hours],
    queryFn: () => readKpis(hours),
    placeholderData: (before) => before,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The loads behind a figure. Those that are no longer on the board are put there. */
export function useDrill(drill: Drill | null) {
  const found = useQuery({
    queryKey: ["drill", drill],
    queryFn: async () => {
      const page = await readDrill(drill as Drill);
      board.merge(page.rows, page.position);
      return { keys: new Set(page.rows.map((it) => it.key)), total: page.total };
    },
    enabled: drill !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const keys = useMemo(() => (drill ? (found.data?.keys ?? EMPTY) : null), [drill, found.data]);
  return { keys, total: found.data?.total ?? null, error: found.error };
}

const EMPTY: ReadonlySet<string> = new Set();
