import type { ReactNode } from "react";

export function Loading({ what }: { what: string }) {
  return (
    <div className="state" role="status">
      <span className="state-sign state-busy" aria-hidden="true" />
      <p>{what}…</p>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state">
      <span className="state-sign state-clear" aria-hidden="true" />
      <h2>{title}</h2>
      <div className="quiet">{children}</div>
    </div>
  );
}

export function Failed({ what, why, retry }: { what: string; why: string; retry?: () => void }) {
  return (
    <div className="state" role="alert">
      <span className="state-sign state-failed" aria-hidden="true" />
      <h2>{what} could not be shown</h2>
      <p className="quiet">{why}</p>
      {retry && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function NotAllowed({ what, why }: { what: string; why: string | null }) {
  return (
    <div className="state">
      <span className="state-sign state-failed" aria-hidden="true" />
      <h2>{what} is not for your role</h2>
      <p className="quiet">{why ?? "Ask an administrator for a token with another role."}</p>
    </div>
  );
}

export function NotFound() {
  return <Empty title="There is no such page">Check the address, or go to the board.</Empty>;
}
