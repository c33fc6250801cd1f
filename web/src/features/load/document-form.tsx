// Attaches a document to a load. What stands is shown only once the server has taken it.

import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { ApiError, attachDocument, type LoadDetail } from "../../api";
import { useAnnounce } from "../../kit/announcer";
import { viewerZone } from "../../kit/time";

const KINDS = [
  ["proof_of_delivery", "Proof of delivery"],
  ["bill_of_lading", "Bill of lading"],
  ["rate_confirmation", "Rate confirmation"],
  ["lumper_receipt", "Lumper receipt"],
  ["weight_ticket", "Weight ticket"],
  ["other", "Other"],
] as const;
/** What the server takes. */
const BYTES_MAX = 25 * 1024 * 1024;

export function DocumentForm({ detail }: { detail: LoadDetail }) {
  const [isOpen, setIsOpen] = useState(false);
  if (!isOpen) {
    return (
      <button type="button" className="button" onClick={() => setIsOpen(true)}>
        Attach a document
      </button>
    );
  }
  return <Form detail={detail} close={() => setIsOpen(false)} />;
}

/** The zone of the last delivery, where its signature was given. */
function zoneOf({ load, trip }: LoadDetail): string {
  const delivery = load.stops.filter((it) => it.kind === "delivery").at(-1);
  const told = trip?.stops.find((it) => it.sequence === delivery?.sequence);
  return told?.zone ?? delivery?.window.latest?.zone ?? delivery?.location.zone ?? viewerZone();
}

function Form({ detail, close }: { detail: LoadDetail; close: () => void }) {
  const id = useId();
  const load = detail.load.id;
  const zone = zoneOf(detail);
  const queries = useQueryClient();
  const announce = useAnnounce();
  const [kind, setKind] = useState<string>("proof_of_delivery");
  const [isBusy, setIsBusy] = useState(false);
  const [complaints, setComplaints] = useState<string[]>([]);
  const isProof = kind === "proof_of_delivery";

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const file = form.get("file");
    const hasFile = file instanceof File && file.name !== "";
    if (hasFile && file.size > BYTES_MAX) {
      setComplaints(["The file has more than 25 MiB. Scan it in a smaller resolution or in parts."]);
      return;
    }
    if (!hasFile) form.delete("file");
    if (!hasFile && !isProof) {
      setComplaints(["Choose the file."]);
      return;
    }
    if (form.get("signed_at")) form.set("zone", zone);
    setIsBusy(true);
    setComplaints([]);
    try {
      const { outcome } = await attachDocument(load, form);
      announce(outcome === "completed" ? "The document is completed." : "The document is attached.");
      await queries.invalidateQueries({ queryKey: ["load", load] });
      close();
    } catch (error) {
      setComplaints(reasons(error));
      setIsBusy(false);
      // A refusal is kept on the load, where it shows.
      void queries.invalidateQueries({ queryKey: ["load", load] });
    }
  };
  return (
    <form className="document-form" aria-label="Attach a document" onSubmit={(event) => void submit(event)}>
      <div className="document-fields">
        <div>
          <label htmlFor={`${id}-kind`}>What it is</label>
          <select
            id={`${id}-kind`}
            name="kind"
            value={kind}
            // biome-ignore lint/a11y/noAutofocus: the person has just asked for this form
            autoFocus
            onChange={(event) => setKind(event.target.value)}
          >
            {KINDS.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </div>
        <div>
          <label htmlFor={`${id}-file`}>File: PDF or picture, at most 25 MiB</label>
          <input
            id={`${id}-file`}
            name="file"
            type="file"
            accept=".pdf,.jpg,.jpeg,.png,.tif,.tiff,.webp,.heic"
            aria-describedby={complaints.length > 0 ? `${id}-complaint` : undefined}
          />
        </div>
        {isProof && (
          <>
            <div>
              <label htmlFor={`${id}-pieces`}>Pieces received</label>
              <input id={`${id}-pieces`} name="pieces" type="number" min={0} max={1_000_000} step={1} />
            </div>
            <div>
              <label htmlFor={`${id}-condition`}>Condition</label>
              <select id={`${id}-condition`} name="condition" defaultValue="">
                <option value="">Not said</option>
                <option value="clean">Clean</option>
                <option value="exception">Signed with an exception</option>
              </select>
            </div>
            <div>
              <label htmlFor={`${id}-signer`}>Signed by</label>
              <input id={`${id}-signer`} name="signer" maxLength={200} autoComplete="off" />
            </div>
            <div>
              <label htmlFor={`${id}-signed`}>Signed at, {zone}</label>
              <input id={`${id}-signed`} name="signed_at" type="datetime-local" />
            </div>
            <div>
              <label htmlFor={`${id}-reference`}>Reference on the document</label>
              <input id={`${id}-reference`} name="reference" maxLength={100} autoComplete="off" />
            </div>
            <div>
              <label htmlFor={`${id}-note`}>What the receiver wrote</label>
              <input id={`${id}-note`} name="note" maxLength={1_000} autoComplete="off" />
            </div>
          </>
        )}
      </div>
      {isProof && (
        <p className="quiet">Without a file, this says more of the proof of delivery that came last.</p>
      )}
      {complaints.length > 0 && (
        <div id={`${id}-complaint`} className="note note-danger" role="alert">
          {complaints.map((it) => (
            <p key={it}>{it}</p>
          ))}
        </div>
      )}
      <div className="stop-line">
        <button type="submit" className="button button-primary" disabled={isBusy}>
          Attach
        </button>
        <button type="button" className="button" disabled={isBusy} onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function reasons(error: unknown): string[] {
  if (!(error instanceof ApiError)) return [error instanceof Error ? error.message : String(error)];
  const issues = (error.problem.issues ?? []).map((it) => `${it.why}. ${it.fix}`);
  return issues.length > 0 ? issues : [error.message];
}
