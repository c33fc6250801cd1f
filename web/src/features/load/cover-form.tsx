import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { ApiError, coverLoad } from "../../api";
import { useAnnounce } from "../../kit/announcer";
import { parseMinor } from "../../kit/money";

const CURRENCY = "USD";

/** Covers a load with a carrier that was found by telephone or elsewhere. */
export function CoverForm({ load, close }: { load: string; close: () => void }) {
  const field = useId();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const [carrier, setCarrier] = useState("");
  const [rate, setRate] = useState("");
  const [note, setNote] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [complaint, setComplaint] = useState<string | null>(null);

  const send = async (rate_minor: number) => {
    setIsBusy(true);
    setComplaint(null);
    try {
      const said = note.trim();
      await coverLoad(load, {
        carrier: carrier.trim(),
        rate_minor,
        currency: CURRENCY,
        ...(said && { note: said }),
      });
      announce(`The load is covered by ${carrier.trim()}.`);
      await queries.invalidateQueries({ queryKey: ["load", load] });
      close();
    } catch (error) {
      setComplaint(reason(error));
      setIsBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const minor = parseMinor(rate, CURRENCY);
    if (!carrier.trim()) setComplaint("Write the carrier's SCAC.");
    else if (!minor) setComplaint("Write the agreed rate, such as 2100.00.");
    else void send(minor);
  };
  return (
    <form className="card-form" aria-label="Cover by hand" onSubmit={submit}>
      <label htmlFor={`${field}-carrier`}>Carrier (SCAC)</label>
      <input
        id={`${field}-carrier`}
        value={carrier}
        maxLength={40}
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
        autoFocus
        onChange={(event) => setCarrier(event.target.value)}
      />
      <label htmlFor={`${field}-rate`}>Agreed rate in {CURRENCY}</label>
      <input
        id={`${field}-rate`}
        className="number"
        inputMode="decimal"
        autoComplete="off"
        value={rate}
        onChange={(event) => setRate(event.target.value)}
      />
      <label htmlFor={`${field}-note`}>Note (may stay empty)</label>
      <input
        id={`${field}-note`}
        value={note}
        maxLength={500}
        autoComplete="off"
        onChange={(event) => setNote(event.target.value)}
      />
      {complaint && (
        <p className="note note-danger" role="alert">
          {complaint}
        </p>
      )}
      <div className="card-line">
        <button type="submit" className="button button-primary" disabled={isBusy}>
          Cover the load
        </button>
        <button type="button" className="button" onClick={close} disabled={isBusy}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const issues = error instanceof ApiError ? (error.problem.issues ?? []) : [];
  return [error.message, ...issues.map((it) => `${it.why} ${it.fix}`)].join(" ");
}
