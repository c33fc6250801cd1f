import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { ApiError, assignVehicle, readVehicles } from "../../api";
import { useAnnounce } from "../../kit/announcer";

/** Says which vehicle hauls the load. What stands is shown only once the server has taken it. */
export function VehicleForm({ load, assigned }: { load: string; assigned: string | null }) {
  const [isOpen, setIsOpen] = useState(false);
  if (!isOpen) {
    return (
      <button type="button" className="button" onClick={() => setIsOpen(true)}>
        {assigned ? "Change the vehicle" : "Assign a vehicle"}
      </button>
    );
  }
  return <Form load={load} assigned={assigned} close={() => setIsOpen(false)} />;
}

function Form({ load, assigned, close }: { load: string; assigned: string | null; close: () => void }) {
  const field = useId();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const [typed, setTyped] = useState(assigned ?? "");
  const [isBusy, setIsBusy] = useState(false);
  const [complaint, setComplaint] = useState<string | null>(null);
  const heard = useQuery({ queryKey: ["vehicles"], queryFn: readVehicles });

  const send = async (vehicle: string) => {
    setIsBusy(true);
    setComplaint(null);
    try {
      await assignVehicle(load, vehicle);
      announce(vehicle ? `Vehicle ${vehicle} is assigned.` : "The vehicle is off the load.");
      await queries.invalidateQueries({ queryKey: ["load", load] });
      close();
    } catch (error) {
      setComplaint(reason(error));
      setIsBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const vehicle = typed.trim();
    if (vehicle) void send(vehicle);
    else setComplaint("Write the vehicle's name or id, as its telematics source calls it.");
  };
  return (
    <form className="vehicle-form" aria-label="Assign a vehicle" onSubmit={submit}>
      <label htmlFor={field}>Vehicle, as its telematics source calls it</label>
      <div className="stop-line">
        <input
          id={field}
          list={`${field}-heard`}
          value={typed}
          maxLength={100}
          autoComplete="off"
          // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
          autoFocus
          aria-invalid={complaint !== null}
          aria-describedby={complaint ? `${field}-complaint` : undefined}
          onFocus={(event) => event.target.select()}
          onChange={(event) => {
            setTyped(event.target.value);
            setComplaint(null);
          }}
        />
        <datalist id={`${field}-heard`}>
          {heard.data?.rows
            .filter(({ row }) => !row.load)
            .map(({ key, row }) => (
              <option key={key} value={row.vehicle} />
            ))}
        </datalist>
        <button type="submit" className="button button-primary" disabled={isBusy}>
          Assign
        </button>
        {assigned && (
          <button
            type="button"
            className="button button-danger"
            disabled={isBusy}
            onClick={() => void send("")}
          >
            Take {assigned} off
          </button>
        )}
        <button type="button" className="button" disabled={isBusy} onClick={close}>
          Cancel
        </button>
      </div>
      {complaint && (
        <p id={`${field}-complaint`} className="note note-danger" role="alert">
          {complaint}
        </p>
      )}
    </form>
  );
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const issues = error instanceof ApiError ? (error.problem.issues ?? []) : [];
  return [error.message, ...issues.map((it) => `${it.why} ${it.fix}`)].join(" ");
}
