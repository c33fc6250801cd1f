import type { Evidence } from "../api";
import { Value, words } from "./value";

export function EvidenceList({ evidence }: { evidence: Evidence[] }) {
  if (evidence.length === 0) return <p className="quiet">No evidence was recorded.</p>;
  return (
    <table className="facts">
      <thead>
        <tr>
          <th scope="col">Evidence</th>
          <th scope="col">Value</th>
          <th scope="col">Source</th>
        </tr>
      </thead>
      <tbody>
        {evidence.map((it, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: evidence is recorded once and never reordered
          <tr key={index}>
            <th scope="row">{words(it.what)}</th>
            <td>
              <Value value={it.value} />
            </td>
            <td className="quiet">{it.source}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
