import { type FormEvent, type ReactNode, useId, useState } from "react";
import type { ResolutionChoice } from "../../api";
import type { Wording } from "../../kit/message";
import { editMoney, formatMoney, type Money, parseMinor } from "../../kit/money";
import { REASONS, type ReasonCode, reasonText } from "./queue";

interface FrameProps {
  title: string;
  label: string;
  busy: boolean;
  complaint: string | null;
  submit: () => void;
  cancel: () => void;
  children: ReactNode;
}

function Frame({ title, label, busy, complaint, submit, cancel, children }: FrameProps) {
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    submit();
  };
  return (
    <form className="card-form" aria-label={title} onSubmit={onSubmit}>
      {children}
      {complaint && (
        <p className="note note-danger" role="alert">
          {complaint}
        </p>
      )}
      <div className="card-line">
        <button type="submit" className="button button-primary" disabled={busy}>
          {label}
        </button>
        <button type="button" className="button" onClick={cancel} disabled={busy}>
          Cancel <kbd>Esc</kbd>
        </button>
      </div>
    </form>
  );
}

interface EditProps {
  rate: Money;
  busy: boolean;
  changed: (rate: Money | null) => void;
  send: (rate: Money | undefined) => void;
  cancel: () => void;
}

export function EditForm({ rate, busy, changed, send, cancel }: EditProps) {
  const field = useId();
  const [typed, setTyped] = useState(editMoney(rate));
  const [complaint, setComplaint] = useState<string | null>(null);
  const minor = parseMinor(typed, rate.currency);
  const type = (text: string) => {
    setTyped(text);
    setComplaint(null);
    const next = parseMinor(text, rate.currency);
    changed(next === null ? null : { minor: next, currency: rate.currency });
  };
  const submit = () => {
    if (minor === null || minor === 0) {
      setComplaint(`Write an amount such as ${editMoney(rate)}.`);
      return;
    }
    send(minor === rate.minor ? undefined : { minor, currency: rate.currency });
  };
  const label = minor === null ? "Approve" : `Approve at ${formatMoney({ minor, currency: rate.currency })}`;
  return (
    <Frame
      title="Edit the rate"
      label={label}
      busy={busy}
      complaint={complaint}
      submit={submit}
      cancel={cancel}
    >
      <label htmlFor={field}>Rate in {rate.currency}</label>
      <input
        id={field}
        className="number"
        inputMode="decimal"
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
        autoFocus
        value={typed}
        aria-invalid={minor === null}
        onFocus={(event) => event.target.select()}
        onChange={(event) => type(event.target.value)}
      />
    </Frame>
  );
}

/** What the server takes at most. */
const SUBJECT_MAX = 200;
const BODY_MAX = 8_000;

interface MessageProps {
  message: Wording;
  busy: boolean;
  send: (wording: Wording | undefined) => void;
  cancel: () => void;
}

export function MessageForm({ message, busy, send, cancel }: MessageProps) {
  const field = useId();
  const [subject, setSubject] = useState(message.subject);
  const [body, setBody] = useState(message.body);
  const [complaint, setComplaint] = useState<string | null>(null);
  const submit = () => {
    if (!subject.trim() || !body.trim()) {
      setComplaint("A message needs a subject and words.");
      return;
    }
    const isSame = subject === message.subject && body === message.body;
    send(isSame ? undefined : { subject, body });
  };
  return (
    <Frame
      title="Edit the message"
      label="Approve and send"
      busy={busy}
      complaint={complaint}
      submit={submit}
      cancel={cancel}
    >
      <label htmlFor={`${field}-subject`}>Subject</label>
      <input
        id={`${field}-subject`}
        value={subject}
        maxLength={SUBJECT_MAX}
        autoComplete="off"
        onChange={(event) => setSubject(event.target.value)}
      />
      <label htmlFor={field}>Message</label>
      <textarea
        id={field}
        className="message-field"
        rows={12}
        value={body}
        maxLength={BODY_MAX}
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
        autoFocus
        onChange={(event) => setBody(event.target.value)}
      />
    </Frame>
  );
}

export function RejectForm({
  busy,
  send,
  cancel,
}: {
  busy: boolean;
  send: (reason: string) => void;
  cancel: () => void;
}) {
  const field = useId();
  const [code, setCode] = useState<ReasonCode>(REASONS[0][0]);
  const [text, setText] = useState("");
  const [complaint, setComplaint] = useState<string | null>(null);
  const submit = () => {
    const reason = reasonText(code, text);
    if (reason === null) setComplaint("Say in a few words what the reason is.");
    else send(reason);
  };
  return (
    <Frame title="Reject" label="Reject" busy={busy} complaint={complaint} submit={submit} cancel={cancel}>
      <label htmlFor={field}>Reason</label>
      <select
        id={field}
        className="select"
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
        autoFocus
        value={code}
        onChange={(event) => setCode(event.target.value as ReasonCode)}
      >
        {REASONS.map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </select>
      <label htmlFor={`${field}-text`}>In your words{code === "other" ? "" : " (may stay empty)"}</label>
      <input
        id={`${field}-text`}
        value={text}
        maxLength={500}
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
      />
    </Frame>
  );
}

/** What is to be chosen, the safe one first. */
const CHOICES = {
  terms: {
    label: "The carrier's terms",
    options: [
      ["refuse_terms", "Refuse them; the tender goes on"],
      ["accept_terms", "Take them; the carrier has the load"],
    ],
  },
  document: {
    label: "The document",
    options: [
      ["refuse_document", "Set it aside; it is not of this load"],
      ["accept_document", "Take it; it is of this load"],
    ],
  },
} as const;

export function ResolveForm({
  about,
  busy,
  send,
  cancel,
}: {
  /** The carrier's terms, or a document in question: they are taken or refused. */
  about: keyof typeof CHOICES | null;
  busy: boolean;
  send: (resolution: string, choice: ResolutionChoice) => void;
  cancel: () => void;
}) {
  const field = useId();
  const [text, setText] = useState("");
  const [choice, setChoice] = useState<ResolutionChoice>(about ? CHOICES[about].options[0][0] : "done");
  const [complaint, setComplaint] = useState<string | null>(null);
  const submit = () => {
    if (text.trim()) send(text.trim(), choice);
    else setComplaint("Say what was done, so that the next person need not ask.");
  };
  return (
    <Frame title="Resolve" label="Resolve" busy={busy} complaint={complaint} submit={submit} cancel={cancel}>
      {about && (
        <>
          <label htmlFor={`${field}-choice`}>{CHOICES[about].label}</label>
          <select
            id={`${field}-choice`}
            value={choice}
            onChange={(event) => setChoice(event.target.value as ResolutionChoice)}
          >
            {CHOICES[about].options.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </>
      )}
      <label htmlFor={field}>What was done</label>
      <input
        id={field}
        value={text}
        maxLength={500}
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
        autoFocus
        onChange={(event) => setText(event.target.value)}
      />
    </Frame>
  );
}
