import type { Evidence } from "../api";
import { EvidenceTable } from "./evidence";
import { TimeHere, TimeInZone } from "./time-in-zone";
import { lateEvidence } from "./trip";

/** Why a delivery is thought to be late: what was promised, what is expected, and how that was come by. */
export function LateEvidence({ evidence }: { evidence: Evidence[] }) {
  const rows = lateEvidence(evidence).map((it) => ({
    what: it.what,
    value:
      it.at && it.zone ? (
        <TimeInZone moment={{ at: it.at, zone: it.zone, basis: "stated" }} />
      ) : it.at ? (
        <TimeHere at={it.at} />
      ) : (
        it.text
      ),
    source: it.source,
    isAlarming: it.what === "Late by",
  }));
  return <EvidenceTable rows={rows} className="late-evidence" />;
}
