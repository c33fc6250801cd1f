import type { Evidence } from "../api";
import { TimeHere, TimeInZone } from "./time-in-zone";
import { lateEvidence } from "./trip";

/** Why a delivery is thought to be late: what was promised, what is expected, and how that was come by. */
export function LateEvidence({ evidence }: { evidence: Evidence[] }) {
  if (evidence.length === 0) return <p className="quiet">No evidence was recorded.</p>;
  return (
    <table className="facts late-evidence">
      <thead>
        <tr>
          <th scope="col">Evidence</th>
          <th scope="col">Value</th>
          <th scope="col">Source</th>
        </tr>
      </thead>
      <tbody>
        {lateEvidence(evidence).map((it) => (
          <tr key={it.what}>
            <th scope="row">{it.what}</th>
            <td className={it.what === "Late by" ? "late" : undefined}>
              {it.at && it.zone ? (
                <TimeInZone moment={{ at: it.at, zone: it.zone, basis: "stated" }} />
              ) : it.at ? (
                <TimeHere at={it.at} />
              ) : (
                it.text
              )}
            </td>
            <td className="quiet">{it.source}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
