import { Link } from "@tanstack/react-router";
import { type MouseEvent, useMemo, useState } from "react";
import type { InboxItem } from "../../api";
import { EvidenceList } from "../../kit/evidence";
import { LateEvidence } from "../../kit/late-evidence";
import { findMessage, Message } from "../../kit/message";
import type { Money } from "../../kit/money";
import { Expedited, SeverityPill } from "../../kit/status-pill";
import { Age, Countdown, TimeHere, TimeInZone } from "../../kit/time-in-zone";
import { Value, words } from "../../kit/value";
import { MailsOfCard } from "../mail/mails";
import { EditForm, MessageForm, RejectForm, ResolveForm } from "./forms";
import { HeldActions } from "./held";
import { KINDS } from "./kinds";
import { type Displaced, findDisplaced, findMilestone, findRate, lines, type Milestone } from "./proposal";
import type { Act } from "./send";

export type Mode = "read" | "edit" | "reject" | "resolve";

interface Props {
  item: InboxItem;
  /** Settled elsewhere while it was open here. */
  isGone: boolean;
  isSending: boolean;
  mode: Mode;
  setMode: (mode: Mode) => void;
  act: (what: Act) => void;
  leave: () => void;
}

export function Card({ item, isGone, isSending, mode, setMode, act, leave }: Props) {
  const [edited, setEdited] = useState<Money | null>(null);
  const rate = findRate(item.proposal);
  const message = findMessage(item.proposal);
  const mails = mailsOf(item);
  const form = isGone ? "read" : mode;
  return (
    <article className="card panel" aria-labelledby="card-title" aria-busy={isSending}>
      <header className="card-head">
        <div className="card-line">
          <SeverityPill severity={item.severity} />
          <span>{KINDS[item.kind]}</span>
          {item.priority === "high" && <Expedited />}
          <Link to="/loads/$id" params={{ id: item.load }} className="card-load">
            Load {item.reference}
          </Link>
          <span className="quiet">
            raised <Age at={item.requested_at} />
          </span>
        </div>
        <h2 id="card-title">{item.title}</h2>
        {item.deadline && (
          <p className="card-deadline">
            Decide by <TimeHere at={item.deadline} /> · <Countdown deadline={item.deadline} />
          </p>
        )}
        {item.next_action && <p>{item.next_action}</p>}
      </header>
      {isGone && (
        <div className="note note-warning card-gone" role="alert">
          <span>This card was decided elsewhere or ran out. Its load says by whom.</span>
          <button type="button" className="button" onClick={leave}>
            Next card
          </button>
        </div>
      )}
      {mails.length > 0 && <MailsOfCard key={item.id} load={item.load} messages={mails} />}
      <Proposal item={item} edited={form === "edit" ? edited : null} />
      <section hidden={item.evidence.length === 0}>
        <h3>What it rests on</h3>
        {item.exception === "late_delivery_risk" ? (
          <LateEvidence evidence={item.evidence} />
        ) : (
          <EvidenceList evidence={item.evidence} />
        )}
      </section>
      <Why item={item} />
      <footer className="card-actions">
        {item.kind === "held" ? (
          <HeldActions item={item} disabled={isGone || isSending} act={act} />
        ) : form === "edit" && rate ? (
          <EditForm
            rate={rate}
            busy={isSending}
            changed={setEdited}
            send={(next) => act({ kind: "approve", rate: next })}
            cancel={() => setMode("read")}
          />
        ) : form === "edit" && message ? (
          <MessageForm
            message={message}
            busy={isSending}
            send={(wording) => act({ kind: "approve", ...(wording && { wording }) })}
            cancel={() => setMode("read")}
          />
        ) : form === "reject" ? (
          <RejectForm
            busy={isSending}
            send={(reason) => act({ kind: "reject", reason })}
            cancel={() => setMode("read")}
          />
        ) : form === "resolve" ? (
          <ResolveForm
            busy={isSending}
            about={
              item.allowed_actions.includes("accept_terms")
                ? "terms"
                : item.allowed_actions.includes("accept_document")
                  ? "document"
                  : null
            }
            send={(resolution, choice) => act({ kind: "resolve", resolution, choice })}
            cancel={() => setMode("read")}
          />
        ) : (
          <Actions
            item={item}
            edits={rate ? "rate" : message ? "message" : null}
            disabled={isGone || isSending}
            setMode={setMode}
            act={act}
          />
        )}
      </footer>
    </article>
  );
}

/** The mails that an exception rests on, or the one that suggests a proposal. */
function mailsOf({ mails, proposal }: InboxItem): string[] {
  const named = proposal?.mail;
  return typeof named === "string" ? [named] : (mails ?? []).map((it) => it.message);
}

function Proposal({ item, edited }: { item: InboxItem; edited: Money | null }) {
  const shown = useMemo(() => (item.proposal ? lines(item.proposal, edited) : []), [item.proposal, edited]);
  const message = findMessage(item.proposal);
  if (message) {
    return (
      <section aria-label="What will be sent if you approve">
        <h3>What will be sent to {message.to} if you approve</h3>
        <Message message={message} />
      </section>
    );
  }
  const displaced = findDisplaced(item.proposal);
  if (displaced) return <Displacement item={item} displaced={displaced} />;
  const milestone = findMilestone(item.proposal);
  if (milestone) return <ToldMilestone milestone={milestone} reference={item.reference} />;
  if (shown.length === 0) return null;
  return (
    <section>
      <h3>{item.kind === "held" ? "What automation was about to do" : "What will be sent if you approve"}</h3>
      <table className="facts diff">
        <tbody>
          {shown.map((line) => (
            <tr key={line.field} className={line.before === undefined ? undefined : "diff-changed"}>
              <th scope="row">{words(line.field.replace(".", ": "))}</th>
              <td>
                {line.before !== undefined && (
                  <>
                    <del>
                      <span className="unseen">was </span>
                      <Value value={line.before} />
                    </del>{" "}
                    <span aria-hidden="true">→</span>{" "}
                  </>
                )}
                <ins>
                  <Value value={line.after} />
                </ins>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const TOLD = { arrived: "arrived at", departed: "left", delivered: "was delivered at" };

function ToldMilestone({ milestone, reference }: { milestone: Milestone; reference: string }) {
  return (
    <section>
      <h3>What is recorded if you approve</h3>
      <p>
        Load {reference} {TOLD[milestone.what]} {milestone.place}, <TimeInZone moment={milestone.at} />. It
        stands on the trip with this mail and your name, until a status message or the vehicle's positions
        tell the same.
      </p>
      <p>If you reject, nothing moves. Say why.</p>
    </section>
  );
}

function Displacement({ item, displaced }: { item: InboxItem; displaced: Displaced }) {
  return (
    <section>
      <h3>What happens if you approve</h3>
      <p>
        Load{" "}
        <Link to="/loads/$id" params={{ id: displaced.load }}>
          {displaced.reference}
        </Link>{" "}
        of {displaced.customer} gives its truck to load {item.reference}: its open offer is withdrawn, and it
        goes on with its next carrier. If {displaced.scac} accepts before that, it keeps the truck.
      </p>
      <p>If you reject, load {item.reference} is tendered by the routing guide.</p>
    </section>
  );
}

function Why({ item }: { item: InboxItem }) {
  if (!item.rule && !item.role) return null;
  return (
    <section>
      <h3>{item.kind === "approval" ? "Why a person must decide" : "Where it comes from"}</h3>
      <p>
        {item.rule && (
          <>
            Rule <code>{item.rule}</code>.{" "}
          </>
        )}
        {item.role && <>It is for the role {item.role}.</>}
      </p>
    </section>
  );
}

interface ActionsProps {
  item: InboxItem;
  /** What of the proposal a person may change. */
  edits: "rate" | "message" | null;
  disabled: boolean;
  setMode: (mode: Mode) => void;
  act: (what: Act) => void;
}

function Actions({ item, edits, disabled, setMode, act }: ActionsProps) {
  const may = (action: InboxItem["allowed_actions"][number]) => item.allowed_actions.includes(action);
  // The second click of a double click would land on the card that follows.
  const once = (then: () => void) => (event: MouseEvent) => {
    if (event.detail <= 1) then();
  };
  if (item.allowed_actions.length === 0) {
    return (
      <p className="quiet">
        Your role may look but not decide here.{item.role ? ` It waits for the role ${item.role}.` : ""}
      </p>
    );
  }
  return (
    <>
      {may("approve") && (
        <button
          type="button"
          className="button button-primary"
          disabled={disabled}
          onClick={once(() => act({ kind: "approve" }))}
        >
          Approve <kbd>A</kbd>
        </button>
      )}
      {may("edit") && edits && (
        <button type="button" className="button" disabled={disabled} onClick={once(() => setMode("edit"))}>
          Edit {edits} <kbd>E</kbd>
        </button>
      )}
      {may("reject") && (
        <button
          type="button"
          className="button button-danger"
          disabled={disabled}
          onClick={once(() => setMode("reject"))}
        >
          Reject <kbd>X</kbd>
        </button>
      )}
      {may("resolve") && (
        <button
          type="button"
          className="button button-primary"
          disabled={disabled}
          onClick={once(() => setMode("resolve"))}
        >
          Resolve <kbd>R</kbd>
        </button>
      )}
    </>
  );
}
