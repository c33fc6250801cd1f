import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useId, useRef, useState } from "react";
import { ApiError, giveToLoad, type Issue, type QuarantineRow, readRaw, reprocess } from "../../api";
import { Failed, Loading } from "../../kit/states";
import { Pill } from "../../kit/status-pill";
import { TimeHere } from "../../kit/time-in-zone";
import { formatBytes } from "./groups";

const SEVERITY: Record<Issue["severity"], { text: string; shape: string; tone: string }> = {
  fatal: { text: "Stopped it", shape: "▲", tone: "danger" },
  warning: { text: "Left out", shape: "◆", tone: "warning" },
  forgiven: { text: "Forgiven", shape: "○", tone: "calm" },
};

export function Message({ row, settle }: { row: QuarantineRow; settle: (text: string) => void }) {
  const raw = useQuery({
    queryKey: ["raw", row.message],
    queryFn: () => readRaw(row.message),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <article className="card panel message" aria-labelledby="message-title">
      <header className="card-head">
        <h2 id="message-title">Message from {row.source}</h2>
        <p className="quiet">
          received <TimeHere at={row.received_at} shape="full" /> · {row.content_type} ·{" "}
          {formatBytes(row.bytes)} · <span className="mono">{row.message}</span>
        </p>
      </header>
      <Issues issues={row.issues} />
      <Choices row={row} settle={settle} />
      {raw.data !== undefined ? (
        <Editor row={row} raw={raw.data} settle={settle} />
      ) : raw.error ? (
        <Failed what="The text" why={raw.error.message} retry={() => raw.refetch()} />
      ) : (
        <Loading what="Reading the text" />
      )}
    </article>
  );
}

function Issues({ issues }: { issues: Issue[] }) {
  return (
    <section>
      <h3>What is wrong</h3>
      <ul className="issues">
        {issues.map((it, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: issues are recorded once and never reordered
          <li key={index}>
            <div className="card-line">
              <Pill tone={SEVERITY[it.severity].tone} shape={SEVERITY[it.severity].shape}>
                {SEVERITY[it.severity].text}
              </Pill>
              <code>{it.at}</code>
              <code className="quiet">{it.code}</code>
            </div>
            <p>{it.why}</p>
            <p>
              <strong>To mend it:</strong> {it.fix}
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A mail that fits several loads: a person says which is meant, and it goes on with that one. */
function Choices({ row, settle }: { row: QuarantineRow; settle: (text: string) => void }) {
  const [isSending, setIsSending] = useState(false);
  const [complaint, setComplaint] = useState<string | null>(null);
  const since = useRef(0);
  useEffect(() => {
    since.current = performance.now();
  }, []);
  const loads = row.loads ?? [];
  if (loads.length === 0) return null;
  const choose = async (load: string, reference: string) => {
    setIsSending(true);
    setComplaint(null);
    try {
      await giveToLoad(row.message, load, Math.round(performance.now() - since.current));
      settle(`The mail was given to load ${reference}, and goes on there.`);
    } catch (error) {
      if (error instanceof ApiError && (error.status === 409 || error.status === 404))
        return settle(error.message);
      setComplaint(error instanceof Error ? error.message : String(error));
      setIsSending(false);
    }
  };
  return (
    <section aria-label="Which load it is about">
      <h3>Which load is it about?</h3>
      <ul className="choices">
        {loads.map((it) => (
          <li key={it.load} className="card-line">
            <button
              type="button"
              className="button"
              disabled={isSending}
              onClick={() => void choose(it.load, it.reference)}
            >
              This one<span className="unseen">: load {it.reference}</span>
            </button>
            <Link to="/loads/$id" params={{ id: it.load }}>
              Load {it.reference}
            </Link>
            <span className="quiet">
              {it.customer}, {it.lane} · the mail says {it.called}
            </span>
          </li>
        ))}
      </ul>
      {complaint && (
        <p className="note note-danger" role="alert">
          {complaint}
        </p>
      )}
    </section>
  );
}

interface EditorProps {
  row: QuarantineRow;
  raw: string;
  settle: (text: string) => void;
}

function Editor({ row, raw, settle }: EditorProps) {
  const field = useId();
  // A text field knows only line feeds; the sender's line ends are put back when it is sent.
  const written = raw.replaceAll("\r\n", "\n");
  const [text, setText] = useState(written);
  const [isSending, setIsSending] = useState(false);
  const [complaint, setComplaint] = useState<string | null>(null);
  const since = useRef(0);
  useEffect(() => {
    since.current = performance.now();
  }, []);
  const isChanged = text !== written;
  const send = async (corrected?: string) => {
    setIsSending(true);
    setComplaint(null);
    try {
      await reprocess(row.message, corrected, Math.round(performance.now() - since.current));
      settle(
        corrected === undefined
          ? `The message from ${row.source} was taken through again as it is. If it still cannot be read, it comes back here.`
          : `The corrected message from ${row.source} was sent through. If it still cannot be read, it comes back here.`,
      );
    } catch (error) {
      if (error instanceof ApiError && (error.status === 409 || error.status === 404))
        return settle(error.message);
      const issues = error instanceof ApiError ? (error.problem.issues ?? []) : [];
      const more = issues.map((it) => `${it.at}: ${it.why} ${it.fix}`).join(" ");
      setComplaint(`${error instanceof Error ? error.message : String(error)} ${more}`.trim());
      setIsSending(false);
    }
  };
  return (
    <section className="editor">
      <label htmlFor={field}>
        The text as received{" "}
        <span className="quiet">{isChanged ? "· changed by you, not sent yet" : "· correct it here"}</span>
      </label>
      <textarea
        id={field}
        className="mono"
        rows={14}
        spellCheck={false}
        wrap="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {complaint && (
        <p className="note note-danger" role="alert">
          {complaint}
        </p>
      )}
      <div className="card-actions">
        <button
          type="button"
          className="button button-primary"
          disabled={!isChanged || isSending}
          onClick={() => send(raw.includes("\r\n") ? text.replaceAll("\n", "\r\n") : text)}
        >
          Correct and reprocess
        </button>
        <button type="button" className="button" disabled={isChanged || isSending} onClick={() => send()}>
          Reprocess as is
        </button>
        {isChanged && (
          <button type="button" className="button" disabled={isSending} onClick={() => setText(written)}>
            Undo my changes
          </button>
        )}
        <span className="quiet editor-hint">
          {isChanged
            ? "The original is kept; the correction is recorded under your name."
            : "As is: after a partner, a site or a mapping was added that the message needs."}
        </span>
      </div>
    </section>
  );
}
