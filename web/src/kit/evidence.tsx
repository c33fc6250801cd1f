import type { ReactNode } from "react";
import type { Evidence } from "../api";
import { Value, words } from "./value";

export function EvidenceList({ evidence }: { evidence: Evidence[] }) {
  const rows = evidence.map((it) => ({
    what: words(it.what),
    value: <Value value={it.value} />,
    source: it.source,
  }));
  return <EvidenceTable rows={rows} />;
}

interface Row {
  what: string;
  value: ReactNode;
  source: string;
  isAlarming?: boolean;
}

export function EvidenceTable({ rows, className = "" }: { rows: Row[]; className?: string }) {
  if (rows.length === 0) return <p className="quiet">No evidence was recorded.</p>;
  return (
    <table className={`facts ${className}`}>
      <thead>
        <tr>
          <th scope="col">Evidence</th>
          <th scope="col">Value</th>
          <th scope="col">Source</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((it, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: evidence is recorded once and never reordered
          <tr key={index}>
            <th scope="row">{it.what}</th>
            <td className={it.isAlarming ? "late" : undefined}>{it.value}</td>
            <td className="quiet">{it.source}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
