// The load's documents, and what its invoice still lacks.

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type DocumentBody, type LoadDetail, openDocument } from "../../api";
import { useAnnounce } from "../../kit/announcer";
import { Pill } from "../../kit/status-pill";
import { Age, TimeInZone } from "../../kit/time-in-zone";
import { words } from "../../kit/value";
import { DocumentForm } from "./document-form";

export function DocumentsSection({ detail }: { detail: LoadDetail }) {
  const documents = detail.documents ?? [];
  return (
    <section className="panel load-part" aria-labelledby="documents-title">
      <h2 id="documents-title">Documents and invoice</h2>
      <Readiness detail={detail} />
      {documents.length === 0 ? (
        <p className="quiet">No document has come yet.</p>
      ) : (
        <ul className="documents">
          {documents.map((it) => (
            <Item key={it.id} load={detail.load.id} document={it} />
          ))}
        </ul>
      )}
      {detail.allowed_actions.includes("attach_document") && <DocumentForm detail={detail} />}
    </section>
  );
}

function Readiness({ detail }: { detail: LoadDetail }) {
  const invoice = detail.invoice;
  if (!invoice) return <p className="quiet">The invoice waits for the delivery.</p>;
  if (invoice.ready) {
    return (
      <p>
        <Pill tone="good" shape="✓">
          Ready to be invoiced
        </Pill>
      </p>
    );
  }
  return (
    <div>
      <p>
        <Pill tone="warning" shape="▲">
          Not ready to be invoiced
        </Pill>
        {invoice.requests > 0 && (
          <span className="quiet">
            {" "}
            · the carrier was asked {invoice.requests === 1 ? "once" : `${invoice.requests} times`}
          </span>
        )}
      </p>
      <h3>What is missing</h3>
      <ul className="missing">
        {invoice.missing.map((it) => (
          <li key={it.code}>{it.text}</li>
        ))}
      </ul>
    </div>
  );
}

const STANDING: Record<string, { tone: string; shape: string; text: string }> = {
  taken: { tone: "good", shape: "✓", text: "Taken" },
  accepted: { tone: "good", shape: "✓", text: "Taken by a dispatcher" },
  in_question: { tone: "warning", shape: "▲", text: "In question" },
  set_aside: { tone: "calm", shape: "○", text: "Set aside" },
  refused: { tone: "danger", shape: "✕", text: "Refused" },
};

function Item({ load, document: it }: { load: string; document: DocumentBody }) {
  const standing = STANDING[it.standing] ?? { tone: "calm", shape: "·", text: words(it.standing) };
  return (
    <li>
      <div className="stop-line">
        <strong>{words(it.kind)}</strong>
        <Pill tone={standing.tone} shape={standing.shape}>
          {standing.text}
        </Pill>
        <span className="quiet">
          {[it.media?.toUpperCase(), size(it.bytes)].filter(Boolean).join(", ")} · <Age at={it.received_at} />
        </span>
        {it.kept && <Open load={load} document={it} />}
      </div>
      <Said document={it} />
      {why(it) && <p className="note note-warning">{why(it)}</p>}
    </li>
  );
}

function Said({ document: { proof } }: { document: DocumentBody }) {
  if (!proof) return null;
  return (
    <dl className="load-summary">
      <Fact name="Pieces">{proof.pieces ?? null}</Fact>
      <Fact name="Condition">{proof.condition ? words(proof.condition) : null}</Fact>
      <Fact name="Signed by">{proof.signer ?? null}</Fact>
      <Fact name="Signed">
        {proof.signed_at && (
          <TimeInZone
            moment={{
              ...proof.signed_at,
              basis: proof.signed_at.basis === "assumed" ? "assumed" : "stated",
            }}
          />
        )}
      </Fact>
      <Fact name="Note">{proof.note ?? null}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  if (children === null || children === undefined) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The file comes with the token, so a plain link would not do. It is saved and never opened as a page. */
function Open({ load, document: it }: { load: string; document: DocumentBody }) {
  const announce = useAnnounce();
  const queries = useQueryClient();
  const [isBusy, setIsBusy] = useState(false);
  const save = async () => {
    setIsBusy(true);
    try {
      await openDocument(load, it.id, `${it.kind}-${it.id}`);
      announce("The document is saved.");
    } catch (error) {
      announce(error instanceof Error ? error.message : String(error));
      void queries.invalidateQueries({ queryKey: ["load", load] });
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <button type="button" className="button" disabled={isBusy} onClick={() => void save()}>
      Save <span className="unseen">the {words(it.kind)}</span>
    </button>
  );
}

function why({ why: reason }: DocumentBody): string | null {
  if (Array.isArray(reason))
    return `It contradicts the load: ${reason.map((it) => words(String(it))).join(", ")}.`;
  return typeof reason === "string" ? reason : null;
}

/** `1.2 MB` */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const [unit, by] = bytes < 1_000_000 ? ["kB", 1_000] : ["MB", 1_000_000];
  return `${(bytes / (by as number)).toLocaleString("en-US", { maximumFractionDigits: 1 })} ${unit}`;
}
