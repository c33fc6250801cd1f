import { Expedited, SeverityPill } from "../../kit/status-pill";
import { Age, Countdown } from "../../kit/time-in-zone";
import { KINDS } from "./kinds";
import type { Queued } from "./queue";

/** Entries drawn at most; the most pressing are among them. */
const SHOWN_MAX = 400;

interface Props {
  queue: Queued[];
  selected: string | null;
  select: (it: Queued) => void;
}

export function QueueList({ queue, selected, select }: Props) {
  return (
    <>
      <ul className="queue-list" aria-label="Waiting for a person, most pressing first">
        {queue.slice(0, SHOWN_MAX).map((it, index) => {
          const isSelected = it.key === selected;
          return (
            <li key={it.key}>
              <button
                type="button"
                className="queue-entry"
                aria-current={isSelected}
                tabIndex={isSelected || (selected === null && index === 0) ? 0 : -1}
                onFocus={() => isSelected || select(it)}
                onClick={() => isSelected || select(it)}
              >
                <span className="queue-line">
                  <span className="queue-kind">{KINDS[it.item.kind]}</span>
                  {it.item.priority === "high" && <Expedited />}
                  <strong>{it.item.reference}</strong>
                  <span className="queue-due">
                    {it.item.deadline ? (
                      <Countdown deadline={it.item.deadline} />
                    ) : (
                      <Age at={it.item.requested_at} />
                    )}
                  </span>
                </span>
                <span className="queue-line">
                  <span className="queue-title">{it.item.title}</span>
                  <SeverityPill severity={it.item.severity} />
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {queue.length > SHOWN_MAX && (
        <p className="quiet queue-more">
          The {SHOWN_MAX} most pressing are shown; {queue.length - SHOWN_MAX} more wait.
        </p>
      )}
    </>
  );
}
