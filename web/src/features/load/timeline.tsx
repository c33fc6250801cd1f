import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import type { EntryKind, TimelineEntry } from "../../api";
import { EvidenceList } from "../../kit/evidence";
import { findMessage, Message } from "../../kit/message";
import { Raw } from "../../kit/raw";
import { Pill } from "../../kit/status-pill";
import { TimeHere } from "../../kit/time-in-zone";
import { filterKinds, KINDS, type Numbered, number, readKinds, toggleKind } from "./entries";

const KIND: Record<EntryKind, { one: string; many: string; shape: string; tone: string }> = {
  event: { one: "Event", many: "Events", shape: "●", tone: "info" },
  decision: { one: "Decision", many: "Decisions", shape: "◆", tone: "warning" },
  effect: { one: "Effect", many: "Effects", shape: "▶", tone: "good" },
  touch: { one: "Touch", many: "Touches", shape: "○", tone: "calm" },
};

const STATES: Record<string, string> = {
  delivered: "good",
  done: "good",
  settled: "good",
  pending: "info",
  waiting: "info",
  retrying: "warning",
  refused: "danger",
  gave_up: "danger",
};

export function Timeline({ entries }: { entries: TimelineEntry[] }) {
  const search = useSearch({ from: "/loads/$id" });
  const navigate = useNavigate({ from: "/loads/$id" });
  const kinds = readKinds(search.kind);
  const all = useMemo(() => number(entries), [entries]);
  const shown = filterKinds(all, kinds);
  const select = (id: string) =>
    navigate({
      search: { ...search, entry: search.entry === id ? undefined : id },
      replace: true,
      resetScroll: false,
    });
  return (
    <>
      <div className="timeline-head">
        <h2>
          Timeline{" "}
          <span className="quiet number">
            {shown.length === all.length ? all.length : `${shown.length} of ${all.length}`}
          </span>
        </h2>
        <fieldset className="status-filter">
          <legend className="unseen">Kinds of entries</legend>
          {KINDS.map((kind) => (
            <button
              key={kind}
              type="button"
              className="chip"
              aria-pressed={kinds.includes(kind)}
              onClick={() =>
                navigate({
                  search: { ...search, kind: toggleKind(kinds, kind) },
                  replace: true,
                  resetScroll: false,
                })
              }
            >
              <KindPill kind={kind} many />{" "}
              <span className="number">{all.filter((it) => it.kind === kind).length}</span>
            </button>
          ))}
        </fieldset>
      </div>
      {shown.length === 0 ? (
        <p className="quiet timeline-none">
          {all.length === 0 ? "Nothing has happened yet." : "Nothing of this kind has happened."}
        </p>
      ) : (
        <ol className="timeline">
          {shown.map((entry) => (
            <Entry
              key={entry.id}
              entry={entry}
              isOpen={entry.id === search.entry}
              toggle={() => select(entry.id)}
            />
          ))}
        </ol>
      )}
    </>
  );
}

function KindPill({ kind, many = false }: { kind: EntryKind; many?: boolean }) {
  const it = KIND[kind] ?? { one: kind, many: kind, shape: "·", tone: "quiet" };
  return (
    <Pill tone={it.tone} shape={it.shape}>
      {many ? it.many : it.one}
    </Pill>
  );
}

function Entry({ entry, isOpen, toggle }: { entry: Numbered; isOpen: boolean; toggle: () => void }) {
  const item = useRef<HTMLLIElement>(null);
  const arrivedOpen = useRef(isOpen);
  // An address that names an entry shows it.
  useEffect(() => {
    if (arrivedOpen.current) item.current?.scrollIntoView({ block: "center" });
  }, []);
  return (
    <li className={`entry ${isOpen ? "entry-open" : ""}`} ref={item}>
      <button type="button" className="entry-head" aria-expanded={isOpen} onClick={toggle}>
        <span className="entry-time number">
          <TimeHere at={entry.at} shape="clock" />
        </span>
        <span className="entry-kind">
          <KindPill kind={entry.kind} />
        </span>
        <span className="entry-words">
          <strong>{entry.name}</strong> {entry.summary}
        </span>
        {entry.state && <StatePill state={entry.state} />}
        <span className="entry-by quiet">
          {entry.actor.name} · <span className="number">#{entry.seq}</span>
        </span>
      </button>
      {isOpen && <Detail entry={entry} />}
    </li>
  );
}

function StatePill({ state }: { state: string }) {
  const tone = STATES[state] ?? "calm";
  return (
    <Pill tone={tone} shape={{ good: "●", danger: "▲", warning: "◆" }[tone] ?? "◐"}>
      {state.replaceAll("_", " ")}
    </Pill>
  );
}

function Detail({ entry }: { entry: Numbered }) {
  const message = sent(entry.data);
  return (
    <div className="entry-detail">
      <p className="quiet">
        <TimeHere at={entry.at} shape="full" /> · {entry.actor.kind} {entry.actor.name} · sequence {entry.seq}
      </p>
      {message && <Message message={message} />}
      {entry.evidence && <EvidenceList evidence={entry.evidence} />}
      <Raw name="As recorded">{JSON.stringify(entry.data, null, 2)}</Raw>
    </div>
  );
}

/** The words of a notice, as it was proposed or let go. */
function sent(data: unknown) {
  const fields = data as { notice?: unknown } | null;
  const notice = fields?.notice;
  return findMessage((typeof notice === "object" ? notice : fields) as Record<string, unknown> | null);
}
