// What somebody wrote about a load: the text as plain text, what was read in it and where, and what may follow.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Fragment, type ReactNode, useId } from "react";
import { type MailEntry, type MailFact, readMails } from "../../api";
import { formatMoney } from "../../kit/money";
import { Failed, Loading } from "../../kit/states";
import { Pill } from "../../kit/status-pill";
import { Age, Countdown, TimeInZone } from "../../kit/time-in-zone";
import { words } from "../../kit/value";
import { type Found, findings, quoted, stretches, unread } from "./text";
import "./mail.css";

const useMails = (load: string) => useQuery({ queryKey: ["mails", load], queryFn: () => readMails(load) });

/** On the load's page. */
export function MailSection({ load }: { load: string }) {
  const { data, error, refetch } = useMails(load);
  if (!data) return error ? <Failed what="The mails" why={error.message} retry={() => refetch()} /> : null;
  if (data.mails.length === 0) return null;
  return (
    <section className="panel load-part" aria-labelledby="mails-title">
      <h2 id="mails-title">Mails</h2>
      {data.mails.map((it) => (
        <MailView key={it.message} entry={it} next />
      ))}
    </section>
  );
}

/** On a card: the mails that it rests on. */
export function MailsOfCard({ load, messages }: { load: string; messages: string[] }) {
  const { data, error, refetch } = useMails(load);
  if (!data) {
    return error ? (
      <Failed what="The mail" why={error.message} retry={() => refetch()} />
    ) : (
      <Loading what="Reading the mail" />
    );
  }
  const shown = data.mails.filter((it) => messages.includes(it.message));
  return (
    <section aria-label="What was written">
      {shown.map((it) => (
        <MailView key={it.message} entry={it} />
      ))}
      {shown.length < messages.length && (
        <p className="note">
          {messages.length - shown.length} older {messages.length - shown.length === 1 ? "mail" : "mails"} of
          this load are no longer kept at hand; the timeline has them.
        </p>
      )}
    </section>
  );
}

const MEANS = { rules: "a rule", classifier: "the classifier", nobody: "nobody" };
const PROOF = {
  proved: "address proved",
  unproved: "address not proved",
  failed: "the proof of the address failed",
};

function MailView({ entry, next = false }: { entry: MailEntry; next?: boolean }) {
  const { mail } = entry;
  const title = useId();
  const found = findings(mail);
  return (
    <article className="mail" id={entry.message} aria-labelledby={title}>
      <header className="mail-head">
        <h3 id={title}>{mail.summary || "A mail"}</h3>
        <p className="quiet">
          {entry.sender_name ?? "Nobody under Partners"} · {unread(mail.from) ? "" : `${mail.from} · `}
          {PROOF[mail.sender.proof]} · sent <Age at={mail.sent} />
        </p>
      </header>
      <div className="mail-columns">
        <Text entry={entry} found={found} />
        <div>
          <Reading entry={entry} found={found} />
          {next && <Next entry={entry} />}
        </div>
      </div>
      <Advice entry={entry} />
    </article>
  );
}

const UNREAD = {
  erased: "The text was erased with its sender's personal data. What was read in it stands.",
  hidden: "Your role does not see what people write. What was read in it stands beside.",
};

/** Plain text: whatever it contains is shown as the letters that came. */
function Text({ entry: { mail }, found }: { entry: MailEntry; found: Found[] }) {
  const why = unread(mail.text);
  if (why) return <p className="note mail-text">{UNREAD[why]}</p>;
  const whole = stretches(mail.text, found, mail.sections);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long text scrolls, and the keyboard must reach it
    <section className="mail-text" aria-label="Text of the mail" tabIndex={0}>
      {whole.map((it) => {
        const more = it.section === "quoted" || it.section === "signature" ? " mail-aside" : "";
        const kind = it.marks.length > 0 ? found[(it.marks[0] ?? 1) - 1]?.kind : null;
        if (!kind) {
          return (
            <span key={it.start} className={more.trim() || undefined}>
              {it.text}
            </span>
          );
        }
        const last = it.marks.filter(
          (mark) => found[mark - 1]?.span.end === it.start + Array.from(it.text).length,
        );
        return (
          <mark key={it.start} className={`mail-mark mail-${kind}${more}`}>
            {it.text}
            {last.length > 0 && <sup>{last.join(" ")}</sup>}
          </mark>
        );
      })}
    </section>
  );
}

const URGENCY = {
  high: { tone: "danger", shape: "▲", text: "High urgency" },
  normal: { tone: "info", shape: "◆", text: "Normal urgency" },
  low: { tone: "calm", shape: "○", text: "Low urgency" },
};

function Reading({ entry: { mail }, found }: { entry: MailEntry; found: Found[] }) {
  const { reading } = mail;
  const urgency = URGENCY[reading.urgency];
  const names = mail.facts.filter((it) => it.fact === "reference" && it.is_load);
  const isOpen = unread(mail.text) === null;
  return (
    <>
      <dl className="load-summary">
        <Item name="It means">
          <strong>{reading.means === "nobody" ? "Nobody is sure" : words(reading.intent)}</strong>
        </Item>
        <Item name="Urgency">
          <Pill tone={urgency.tone} shape={urgency.shape}>
            {urgency.text}
          </Pill>
        </Item>
        <Item name="Read by">{by(mail.reading)}</Item>
        {names.length > 0 && (
          <Item name="Linked to this load by">
            {names.map((it) => (it.fact === "reference" ? it.value : "")).join(", ")}
          </Item>
        )}
        {mail.chosen_by && <Item name="Given to this load by">{mail.chosen_by.name}</Item>}
        {(mail.attachments ?? []).length > 0 && (
          <Item name="Attachments">
            {mail.attachments
              ?.map((it) => (it.name && !unread(it.name) ? it.name : it.media_type))
              .join(", ")}
          </Item>
        )}
      </dl>
      {found.length > 0 && (
        <ol className="mail-found" aria-label="What was read in it">
          {found.map((it) => (
            <li key={`${it.kind} ${it.span.start} ${it.span.end}`}>
              <span className={`mail-mark mail-${it.kind}`}>{NAMES[it.kind]}</span> {said(it, reading.intent)}
              {isOpen && <span className="quiet"> “{quoted(mail.text, it.span)}”</span>}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

function by({ means, rule, confidence_pct }: MailEntry["mail"]["reading"]): string {
  const sure = confidence_pct == null ? "" : `, ${confidence_pct} % sure`;
  if (means === "rules") return `a rule: ${rule}`;
  if (means === "classifier") return `${MEANS[means]}${sure}`;
  return confidence_pct == null
    ? "nobody: there are no words"
    : `nobody: the classifier abstains at ${confidence_pct} %`;
}

const NAMES: Record<Found["kind"], string> = {
  intent: "Intent",
  reference: "Number",
  time: "Time",
  place: "Place",
  duration: "Duration",
  amount: "Amount",
  temperature: "Temperature",
};
const ROLES = { since: "since", until: "until", expected: "expected", at: "at" };

function said({ fact }: Found, intent: string): ReactNode {
  if (!fact) return words(intent);
  return <Fact fact={fact} />;
}

function Fact({ fact }: { fact: MailFact }) {
  switch (fact.fact) {
    case "reference":
      return fact.is_load ? `${fact.value}, a name of this load` : `${fact.value}, not of this load`;
    case "time":
      return (
        <>
          {ROLES[fact.role]} <TimeInZone moment={fact.moment} />
          <span className="quiet">
            {" "}
            · {fact.moment.basis === "stated" ? "zone stated" : "zone of the site assumed"}
          </span>
        </>
      );
    case "place":
      return `${fact.label}, stop ${fact.stop}`;
    case "duration":
      return `${fact.minutes} min`;
    case "amount":
      return formatMoney(fact.money);
    case "temperature":
      return `${(fact.tenths_celsius / 10).toFixed(1)} °C`;
  }
}

/** What a person may do about it, and who decides. */
function Next({ entry: { exception, questions } }: { entry: MailEntry }) {
  return (
    <div className="mail-next">
      {exception && (
        <>
          <h4>Next action</h4>
          <p>{exception.is_open ? exception.next_action : "None: what it raised is resolved."}</p>
          {exception.is_open && (
            <p>
              <Link to="/inbox" search={{ item: exception.id }}>
                {exception.title}
              </Link>
              <span className="quiet"> · a dispatcher decides</span>
            </p>
          )}
        </>
      )}
      {questions.length > 0 && (
        <>
          <h4>Proposed because of it</h4>
          <ul>
            {questions.map((it) => (
              <li key={it.id}>
                <Link to="/inbox" search={{ item: it.id }}>
                  {it.title}
                </Link>
                <span className="quiet">
                  {" "}
                  · a {it.role} decides, <Countdown deadline={it.deadline} />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

/** A language model's words, named as such. They are shown and do nothing. */
function Advice({ entry: { advice } }: { entry: MailEntry }) {
  if (!advice) return null;
  const why = unread(advice.summary);
  return (
    <aside className="mail-advice" aria-label="Written by a language model">
      <p>
        <Pill tone="info" shape="✎">
          Draft, made by a machine
        </Pill>{" "}
        <span className="quiet">
          Model {advice.model}. Nothing follows from it; check it before you use it.
        </span>
      </p>
      {why ? <p className="quiet">{UNREAD[why]}</p> : <p>{advice.summary}</p>}
      {advice.draft && !unread(advice.draft) && (
        <Fragment>
          <h4>Draft of an answer</h4>
          <p className="message-body">{advice.draft}</p>
        </Fragment>
      )}
    </aside>
  );
}

function Item({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
