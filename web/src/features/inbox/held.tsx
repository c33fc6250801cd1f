import { type FormEvent, useId, useState } from "react";
import type { HeldAction, InboxItem } from "../../api";
import { CoverForm } from "../load/cover-form";
import type { Act } from "./send";

interface Props {
  item: InboxItem;
  disabled: boolean;
  act: (what: Act) => void;
}

type Asking = Exclude<HeldAction, "do">;

/** What a person may do about a thing that automation holds back. */
export function HeldActions({ item, disabled, act }: Props) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const may = (action: HeldAction) => item.allowed_actions.includes(action);
  if (asking === "cover") return <CoverForm load={item.load} close={() => setAsking(null)} />;
  if (asking) {
    const title = asking === "skip" ? "Skip it" : "Take the load over";
    return (
      <ReasonForm
        title={title}
        busy={disabled}
        send={(reason) => act({ kind: "held", choice: asking, reason })}
        cancel={() => setAsking(null)}
      />
    );
  }
  return (
    <>
      {may("do") && (
        <button
          type="button"
          className="button button-primary"
          disabled={disabled}
          onClick={(event) => event.detail <= 1 && act({ kind: "held", choice: "do" })}
        >
          Have it done
        </button>
      )}
      {may("cover") && (
        <button type="button" className="button" disabled={disabled} onClick={() => setAsking("cover")}>
          Cover by hand
        </button>
      )}
      {may("skip") && (
        <button type="button" className="button" disabled={disabled} onClick={() => setAsking("skip")}>
          Skip it
        </button>
      )}
      {may("take_over") && (
        <button
          type="button"
          className="button button-danger"
          disabled={disabled}
          onClick={() => setAsking("take_over")}
        >
          Take the load over
        </button>
      )}
    </>
  );
}

function ReasonForm({
  title,
  busy,
  send,
  cancel,
}: {
  title: string;
  busy: boolean;
  send: (reason: string) => void;
  cancel: () => void;
}) {
  const field = useId();
  const [text, setText] = useState("");
  const [complaint, setComplaint] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) send(text.trim());
    else setComplaint("Say in a few words why.");
  };
  return (
    <form className="card-form" aria-label={title} onSubmit={submit}>
      <label htmlFor={field}>Why</label>
      <input
        id={field}
        value={text}
        maxLength={500}
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
        autoFocus
        onChange={(event) => setText(event.target.value)}
      />
      {complaint && (
        <p className="note note-danger" role="alert">
          {complaint}
        </p>
      )}
      <div className="card-line">
        <button type="submit" className="button button-primary" disabled={busy}>
          {title}
        </button>
        <button type="button" className="button" onClick={cancel} disabled={busy}>
          Cancel
        </button>
      </div>
    </form>
  );
}
