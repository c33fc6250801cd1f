import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useId, useState } from "react";
import {
  ApiError,
  type Automation,
  type AutomationMode,
  type Rehearsed,
  rehearseSwitch,
  switchAutomation,
} from "../../api";
import { useMe } from "../../app/app";
import { useAutomation } from "../../app/automation-banner";
import { useAnnounce } from "../../kit/announcer";
import { Failed, Loading } from "../../kit/states";
import { Pill } from "../../kit/status-pill";
import "./automation.css";

const MODES: [AutomationMode, string, string][] = [
  ["automatic", "Automatic", "It acts by itself, as far as the policies let it."],
  ["observe", "Observe", "It judges and proposes, and people do the work. Nothing is sent, by anybody."],
  ["stopped", "Stopped", "Each thing it is about to do waits in the inbox for a person."],
];
const SWITCHERS = ["manager", "admin"];

export function AutomationPage() {
  const automation = useAutomation();
  const me = useMe();
  if (automation.error && !automation.data)
    return <Failed what="The automation" why={automation.error.message} retry={() => automation.refetch()} />;
  if (!automation.data) return <Loading what="Reading how far automation may act" />;
  const may = me.actor.roles.some((it) => SWITCHERS.includes(it));
  return (
    <div className="automation">
      <h1>Automation</h1>
      <section className="panel automation-part" aria-labelledby="automation-now">
        <h2 id="automation-now">In force</h2>
        <table className="facts">
          <tbody>
            <tr>
              <th scope="row">All automation</th>
              <td>
                <ModePill mode={automation.data.mode} />
              </td>
            </tr>
            {automation.data.playbooks.map((it) => (
              <tr key={it.playbook}>
                <th scope="row">Playbook {it.playbook}</th>
                <td>
                  <ModePill mode={it.mode} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <p>
          {automation.data.held === 0
            ? "Nothing waits in the manual queue."
            : `${automation.data.held} things wait in the manual queue. `}
          {automation.data.held > 0 && <Link to="/inbox">Work them off in the inbox</Link>}
        </p>
      </section>
      {may ? (
        <SwitchForm automation={automation.data} />
      ) : (
        <p className="quiet">A manager or an administrator switches automation.</p>
      )}
    </div>
  );
}

function ModePill({ mode }: { mode: AutomationMode }) {
  const [, text] = MODES.find(([it]) => it === mode) ?? [mode, mode];
  return (
    <Pill tone={mode === "automatic" ? "good" : "warning"} shape={mode === "automatic" ? "●" : "■"}>
      {text}
    </Pill>
  );
}

function SwitchForm({ automation }: { automation: Automation }) {
  const field = useId();
  const queries = useQueryClient();
  const announce = useAnnounce();
  const [mode, setMode] = useState<AutomationMode>("stopped");
  const [playbook, setPlaybook] = useState("");
  const [reason, setReason] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [said, setSaid] = useState<{ tone: "good" | "danger"; text: string } | null>(null);
  const [rehearsed, setRehearsed] = useState<Rehearsed[] | null>(null);
  const wanted = { mode, reason: reason.trim(), ...(playbook && { playbook }) };

  const run = async (ask: () => Promise<string>) => {
    setIsBusy(true);
    setSaid(null);
    try {
      const text = await ask();
      announce(text);
      setSaid({ tone: "good", text });
    } catch (error) {
      const text = error instanceof ApiError || error instanceof Error ? error.message : String(error);
      setSaid({ tone: "danger", text });
    }
    setIsBusy(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wanted.reason) return setSaid({ tone: "danger", text: "Say why, for whoever looks next." });
    void run(async () => {
      const { on_the_wire } = await switchAutomation(wanted);
      setRehearsed(null);
      setReason("");
      await queries.invalidateQueries({ queryKey: ["automation"] });
      const wire = on_the_wire.length;
      return `Switched. ${wire === 0 ? "Nothing was on its way." : `${wire} deliveries were on their way and may still arrive.`}`;
    });
  };
  const rehearse = () =>
    void run(async () => {
      const { steps } = await rehearseSwitch(wanted);
      setRehearsed(steps);
      return `${steps.length} held things looked at; nothing was changed.`;
    });
  return (
    <form className="panel automation-part card-form" aria-label="Switch automation" onSubmit={submit}>
      <h2>Switch</h2>
      <label htmlFor={`${field}-scope`}>For</label>
      <select
        id={`${field}-scope`}
        className="select"
        value={playbook}
        onChange={(event) => setPlaybook(event.target.value)}
      >
        <option value="">All automation</option>
        {automation.playbooks.map((it) => (
          <option key={it.playbook} value={it.playbook}>
            Playbook {it.playbook}
          </option>
        ))}
      </select>
      <fieldset>
        <legend>To</legend>
        {MODES.map(([it, name, means]) => (
          <label key={it} className="automation-mode">
            <input type="radio" name="mode" checked={mode === it} onChange={() => setMode(it)} />
            <span>
              <strong>{name}</strong> <span className="quiet">{means}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <label htmlFor={`${field}-reason`}>Why</label>
      <input
        id={`${field}-reason`}
        value={reason}
        maxLength={500}
        autoComplete="off"
        onChange={(event) => setReason(event.target.value)}
      />
      {said && (
        <p className={`note note-${said.tone}`} role={said.tone === "danger" ? "alert" : undefined}>
          {said.text}
        </p>
      )}
      <div className="card-line">
        <button type="submit" className="button button-primary" disabled={isBusy}>
          Switch
        </button>
        <button
          type="button"
          className="button"
          disabled={isBusy || automation.held === 0}
          onClick={rehearse}
        >
          Show what would happen to the manual queue
        </button>
      </div>
      {rehearsed && <Steps steps={rehearsed} />}
    </form>
  );
}

const THEN = { goes_on: "Goes on", dropped: "Dropped", waits: "Waits on" };

function Steps({ steps }: { steps: Rehearsed[] }) {
  return (
    <table className="facts">
      <caption>What would happen</caption>
      <tbody>
        {steps.map((it) => (
          <tr key={it.held}>
            <th scope="row">
              <Link to="/loads/$id" params={{ id: it.load }}>
                {it.title}
              </Link>
            </th>
            <td>
              <strong>{THEN[it.then]}</strong>: {it.why}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
