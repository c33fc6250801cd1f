import type { LoadStatus, Severity } from "../api";

/** Shape, text and colour: any one of them is enough to tell. */
const STATUS: Record<LoadStatus, { text: string; shape: string; tone: string }> = {
  exception: { text: "Exception", shape: "▲", tone: "danger" },
  awaiting_approval: { text: "Needs approval", shape: "◆", tone: "warning" },
  held: { text: "Held for a person", shape: "■", tone: "warning" },
  tendering: { text: "Tendering", shape: "◐", tone: "info" },
  planned: { text: "Planned", shape: "○", tone: "calm" },
  covered: { text: "Covered", shape: "●", tone: "good" },
  cancelled: { text: "Cancelled", shape: "✕", tone: "quiet" },
};

const SEVERITY: Record<Severity, { text: string; shape: string; tone: string }> = {
  high: { text: "High", shape: "▲", tone: "danger" },
  medium: { text: "Medium", shape: "◆", tone: "warning" },
  low: { text: "Low", shape: "○", tone: "calm" },
};

const OFFER: Record<string, { text: string; shape: string; tone: string }> = {
  awaiting_approval: { text: "Awaiting approval", shape: "◆", tone: "warning" },
  held: { text: "Held", shape: "■", tone: "warning" },
  open: { text: "Open", shape: "◐", tone: "info" },
  accepted: { text: "Accepted", shape: "●", tone: "good" },
  declined: { text: "Declined", shape: "✕", tone: "danger" },
  conditional: { text: "Conditional", shape: "◆", tone: "warning" },
  expired: { text: "Expired", shape: "◌", tone: "quiet" },
  withdrawn: { text: "Withdrawn", shape: "✕", tone: "quiet" },
  refused: { text: "Refused", shape: "▲", tone: "danger" },
};

export const statusText = (status: LoadStatus) => STATUS[status]?.text ?? status;

export function Pill({ tone, shape, children }: { tone: string; shape: string; children: string }) {
  return (
    <span className={`pill tone-${tone}`}>
      <span aria-hidden="true">{shape}</span> {children}
    </span>
  );
}

function from(words: Record<string, { text: string; shape: string; tone: string }>, name: string) {
  const it = words[name] ?? { text: name.replaceAll("_", " "), shape: "·", tone: "quiet" };
  return (
    <Pill tone={it.tone} shape={it.shape}>
      {it.text}
    </Pill>
  );
}

export const StatusPill = ({ status }: { status: LoadStatus }) => from(STATUS, status);
export const SeverityPill = ({ severity }: { severity: Severity }) => from(SEVERITY, severity);
export const OfferPill = ({ state }: { state: string }) => from(OFFER, state);

/** A load with high priority, which comes first. */
export const Expedited = () => (
  <Pill tone="danger" shape="»">
    Expedite
  </Pill>
);
