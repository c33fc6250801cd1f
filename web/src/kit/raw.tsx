import { useId } from "react";

/** Text as it is, in a box that scrolls and so must be reachable by keyboard. */
export function Raw({ name, children }: { name: string; children: string }) {
  const label = useId();
  return (
    <section className="raw" aria-labelledby={label}>
      <span id={label} className="unseen">
        {name}
      </span>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{children}</pre>
    </section>
  );
}
