import { useNavigate, useSearch } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { InboxItem } from "../../api";
import { inbox, retryNow, useTable } from "../../app/live";
import { useAnnounce } from "../../kit/announcer";
import { Dialog, Keys } from "../../kit/dialog";
import { Empty, Failed, Loading, NotAllowed } from "../../kit/states";
import { Card, type Mode } from "./card";
import { command, heir, type Queued, sortQueue, step } from "./queue";
import { QueueList } from "./queue-list";
import { type Act, type Answer, perform } from "./send";
import "./inbox.css";

const KEYS: [string, string][] = [
  ["J or ↓", "next card"],
  ["K or ↑", "previous card"],
  ["A", "approve the card with the focus"],
  ["E", "edit the rate or the message, then approve"],
  ["X", "reject with a reason"],
  ["R", "resolve an exception"],
  ["Esc", "leave a form without sending"],
  ["?", "this list"],
];

export interface Notice {
  id: number;
  tone: "good" | "warning" | "danger";
  text: string;
}
const NOTICES_MAX = 3;

export function Inbox() {
  const { rows, state, problem } = useTable(inbox);
  if (state === "forbidden") return <NotAllowed what="The inbox" why={problem} />;
  if (state === "failed") return <Failed what="The inbox" why={problem ?? ""} retry={retryNow} />;
  if (state === "loading") return <Loading what="Reading the inbox" />;
  return <Queue queue={sortQueue(rows)} />;
}

function Queue({ queue }: { queue: Queued[] }) {
  const { item: wanted } = useSearch({ from: "/inbox" });
  const navigate = useNavigate({ from: "/inbox" });
  const announce = useAnnounce();
  const region = useRef<HTMLElement>(null);
  const [mode, setMode] = useState<Mode>("read");
  const [sending, setSending] = useState<string | null>(null);
  const [notices, setNotices] = useState<Notice[]>([]);
  const [showsKeys, setShowsKeys] = useState(false);

  const shown = useShown(queue, wanted ?? null);
  const key = shown?.key ?? null;
  const opened = useOpened(key);
  const focusSoon = useFocus(region, key);

  const select = (next: Queued | null, focus = true) => {
    setMode("read");
    if (focus) focusSoon();
    if (next?.key !== wanted) navigate({ search: next ? { item: next.key } : {}, replace: true });
  };

  const say = (answer: Answer, next: Queued | null) => {
    announce(
      `${answer.text} ${next ? `Next: ${next.item.title}, ${next.item.reference}.` : "Nothing else waits."}`,
    );
    setNotices((before) =>
      [...before, { id: Date.now(), tone: answer.tone, text: answer.text }].slice(-NOTICES_MAX),
    );
  };

  const act = async (it: Queued, what: Act) => {
    if (sending) return;
    setSending(it.key);
    const answer = await perform(it.item, what, opened());
    setSending(null);
    if (!answer.settled) {
      announce(answer.text);
      setNotices((before) =>
        [...before, { id: Date.now(), tone: answer.tone, text: answer.text }].slice(-NOTICES_MAX),
      );
      return;
    }
    const next = heir(queue, it.key);
    inbox.drop(it.key);
    say(answer, next);
    select(next);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const inField = target.matches("input, textarea, select") || target.closest("dialog") !== null;
    const allowed = shown?.isGone || sending ? [] : (shown?.item.allowed_actions ?? []);
    const asked = command({ ...pick(event), inField }, allowed);
    if (!asked) return;
    if (asked === "cancel") {
      if (mode === "read") return;
      setMode("read");
      focusSoon();
    } else if (asked === "keys") setShowsKeys(true);
    else if (asked === "next" || asked === "previous") select(step(queue, key, asked === "next" ? 1 : -1));
    else if (asked === "approve") {
      if (shown) void act(shown, { kind: "approve" });
    } else setMode(asked);
    event.preventDefault();
  };

  return (
    <section className="inbox" aria-label="Inbox" ref={region} onKeyDown={onKeyDown}>
      <div className="queue">
        <div className="queue-head">
          <h1>
            Inbox <span className="quiet number">{queue.length}</span>
          </h1>
          <button
            type="button"
            className="button"
            onClick={() => setShowsKeys(true)}
            aria-label="Keys in the inbox"
          >
            ?
          </button>
        </div>
        <QueueList queue={queue} selected={key} select={(it) => select(it, false)} />
      </div>
      <div className="card-side">
        <Notices
          notices={notices}
          dismiss={(id) => setNotices((before) => before.filter((it) => it.id !== id))}
        />
        {shown ? (
          <Card
            key={shown.key}
            item={shown.item}
            isGone={shown.isGone}
            isSending={sending === shown.key}
            mode={mode}
            setMode={setMode}
            act={(what) => act(shown, what)}
            leave={() => select(heir(queue, shown.key))}
          />
        ) : (
          <Empty title="Nothing waits for you">
            Approvals and exceptions appear here by themselves. Everything else is being handled by the
            playbooks.
          </Empty>
        )}
      </div>
      {showsKeys && (
        <Dialog title="Keys in the inbox" close={() => setShowsKeys(false)}>
          <Keys keys={KEYS} />
          <p className="quiet">They act on the card with the focus, and only while you are not typing.</p>
        </Dialog>
      )}
    </section>
  );
}

function pick({ key, ctrlKey, metaKey, altKey, repeat }: KeyboardEvent) {
  return { key, ctrlKey, metaKey, altKey, repeat };
}

interface Shown extends Queued {
  isGone: boolean;
}

/**
 * The card to show. One that was settled elsewhere stays, marked so, until the person moves on: another card must not
 * slip under the pointer.
 */
function useShown(queue: Queued[], wanted: string | null): Shown | null {
  const last = useRef<{ key: string; item: InboxItem } | null>(null);
  const found = queue.find((it) => it.key === wanted);
  let shown: Shown | null = null;
  if (found) shown = { ...found, isGone: false };
  else if (wanted && last.current?.key === wanted) shown = { ...last.current, isGone: true };
  else if (queue[0]) {
    const kept =
      wanted === null && last.current ? queue.find((it) => it.key === last.current?.key) : undefined;
    shown = { ...(kept ?? queue[0]), isGone: false };
  }
  useEffect(() => {
    last.current = shown && { key: shown.key, item: shown.item };
  });
  return shown;
}

/** Milliseconds since the card got the focus, asked for when it is decided. */
function useOpened(key: string | null): () => number {
  const since = useRef(0);
  useEffect(() => {
    if (key !== null) since.current = performance.now();
  }, [key]);
  return () => Math.round(performance.now() - since.current);
}

/** Puts the focus on the selected entry after the next drawing, and back where a redrawn queue lost it. */
function useFocus(region: React.RefObject<HTMLElement | null>, key: string | null): () => void {
  const wanted = useRef(true);
  useLayoutEffect(() => {
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (!wanted.current && !lost) return;
    if (key === null) return;
    const entry = region.current?.querySelector<HTMLElement>('[aria-current="true"]');
    if (!entry) return;
    wanted.current = false;
    entry.focus({ preventScroll: false });
  });
  return () => {
    wanted.current = true;
  };
}

function Notices({ notices, dismiss }: { notices: Notice[]; dismiss: (id: number) => void }) {
  if (notices.length === 0) return null;
  return (
    <ul className="notices">
      {notices.map((it) => (
        <li key={it.id} className={`note note-${it.tone}`}>
          <span>{it.text}</span>
          <button
            type="button"
            className="button"
            onClick={() => dismiss(it.id)}
            aria-label={`Dismiss: ${it.text}`}
          >
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}
