import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Automation, type AutomationMode, readAutomation } from "../api";

/** A switch by somebody else is seen within this. */
const REREAD_MS = 3_000;

const WORDS: Record<AutomationMode, string> = {
  automatic: "acts by itself",
  observe: "observes: nothing is sent",
  stopped: "is stopped: each thing waits for a person",
};

export const useAutomation = () =>
  useQuery({ queryKey: ["automation"], queryFn: readAutomation, refetchInterval: REREAD_MS });

/** Over every screen, for as long as any automation does not act by itself. */
export function AutomationBanner() {
  const { data } = useAutomation();
  const lines = data ? held(data) : [];
  if (!data || lines.length === 0) return null;
  return (
    <div className="automation-banner" role="status">
      <span aria-hidden="true" className="automation-sign">
        ■
      </span>
      <span>
        {lines.map((it) => (
          <span key={it.key} className="automation-line">
            <strong>
              {it.name} {WORDS[it.mode]}.
            </strong>{" "}
            {it.by} since {new Date(it.since).toLocaleString()}: {it.reason}
          </span>
        ))}
      </span>
      <Link to="/automation" className="automation-link">
        {data.held === 0 ? "Automation" : `${data.held} in the manual queue`}
      </Link>
    </div>
  );
}

function held(automation: Automation) {
  return automation.scopes
    .filter((it) => it.mode !== "automatic")
    .map((it) => ({
      ...it,
      key: it.playbook ?? "",
      name: it.playbook ? `Playbook ${it.playbook}` : "All automation",
    }));
}
