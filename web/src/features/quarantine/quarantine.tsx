import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { quarantine, retryNow, useTable } from "../../app/live";
import { useAnnounce } from "../../kit/announcer";
import { Empty, Failed, Loading, NotAllowed } from "../../kit/states";
import { Age } from "../../kit/time-in-zone";
import { type Group, group } from "./groups";
import { Message } from "./message";
import "./quarantine.css";

export function Quarantine() {
  const { rows, state, problem } = useTable(quarantine);
  const { message: wanted } = useSearch({ from: "/quarantine" });
  const navigate = useNavigate({ from: "/quarantine" });
  const announce = useAnnounce();
  const [done, setDone] = useState<string | null>(null);
  if (state === "forbidden") return <NotAllowed what="Quarantine" why={problem} />;
  if (state === "failed") return <Failed what="Quarantine" why={problem ?? ""} retry={retryNow} />;
  if (state === "loading") return <Loading what="Reading the quarantine" />;
  const groups = group(rows);
  const selected = wanted === undefined ? undefined : rows.get(wanted);
  const settle = (text: string) => {
    setDone(text);
    announce(text);
    if (wanted) quarantine.drop(wanted);
    navigate({ search: {}, replace: true });
  };
  return (
    <section className="quarantine" aria-label="Quarantine">
      <div className="queue">
        <div className="queue-head">
          <h1>
            Quarantine <span className="quiet number">{rows.size}</span>
          </h1>
        </div>
        <Groups
          groups={groups}
          selected={wanted ?? null}
          select={(key) => navigate({ search: { message: key }, replace: true })}
        />
      </div>
      <div className="card-side">
        {done && (
          <p className="note note-good" role="status">
            {done}
          </p>
        )}
        {wanted && selected ? (
          <Message key={wanted} row={selected} settle={settle} />
        ) : wanted ? (
          <Empty title="This message is not in quarantine">
            It was corrected or reprocessed, here or by somebody else.
          </Empty>
        ) : rows.size === 0 ? (
          <Empty title="Every message could be read">
            A message that cannot be read is kept here with its cause and the way to mend it. None is ever
            dropped.
          </Empty>
        ) : (
          <Empty title="Choose a message">
            Its text, what is wrong with it and how to mend it appear here.
          </Empty>
        )}
      </div>
    </section>
  );
}

/** Messages of one cause drawn at most. */
const SHOWN_MAX = 100;

function Groups({
  groups,
  selected,
  select,
}: {
  groups: Group[];
  selected: string | null;
  select: (key: string) => void;
}) {
  return (
    <div className="queue-list">
      {groups.map((it) => (
        <section key={it.code} aria-labelledby={`group-${it.code}`}>
          <header className="group-head">
            <h2 id={`group-${it.code}`}>
              <code>{it.code}</code> <span className="quiet number">{it.messages.length}</span>
            </h2>
            <p className="quiet">{it.why}</p>
          </header>
          <ul className="group-list">
            {it.messages.slice(0, SHOWN_MAX).map(({ key, row }) => (
              <li key={key}>
                <button
                  type="button"
                  className="queue-entry"
                  aria-current={key === selected}
                  onClick={() => select(key)}
                >
                  <span className="queue-line">
                    <strong>{row.source}</strong>
                    <span className="quiet">{row.content_type}</span>
                    <span className="queue-due">
                      <Age at={row.received_at} />
                    </span>
                  </span>
                </button>
              </li>
            ))}
          </ul>
          {it.messages.length > SHOWN_MAX && (
            <p className="quiet queue-more">
              {it.messages.length - SHOWN_MAX} older ones follow once these are mended.
            </p>
          )}
        </section>
      ))}
    </div>
  );
}
