import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, readCheckpoint, readExport } from "../../api";
import { useMe } from "../../app/app";
import { Raw } from "../../kit/raw";
import { Failed, Loading, NotAllowed } from "../../kit/states";
import { type Checkpoint, readCheckpointText } from "./checkpoint";
import "./audit.css";

const REREAD_MS = 15_000;

export function Audit() {
  const text = useQuery({ queryKey: ["checkpoint"], queryFn: readCheckpoint, refetchInterval: REREAD_MS });
  if (text.error && text.data === undefined) {
    if (text.error instanceof ApiError && text.error.status === 403)
      return <NotAllowed what="Audit" why={text.error.message} />;
    return <Failed what="The checkpoint" why={text.error.message} retry={() => text.refetch()} />;
  }
  if (text.data === undefined) return <Loading what="Reading the checkpoint" />;
  return (
    <div className="audit">
      <h1>Audit</h1>
      <p className="audit-lead">
        Every decision is a leaf of an append-only log. The checkpoint below is the log's signed size and root
        hash: keep a copy somewhere else, and nobody, including whoever runs this server, can change or remove
        a decision unseen.
      </p>
      <CheckpointPanel
        text={text.data}
        checkpoint={readCheckpointText(text.data)}
        isOld={text.error !== null}
      />
      <Export />
      <Verify />
    </div>
  );
}

function CheckpointPanel({
  text,
  checkpoint,
  isOld,
}: {
  text: string;
  checkpoint: Checkpoint | null;
  isOld: boolean;
}) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
  };
  return (
    <section className="panel audit-part" aria-labelledby="checkpoint-title">
      <div className="audit-line">
        <h2 id="checkpoint-title">Current checkpoint</h2>
        {navigator.clipboard && (
          <button type="button" className="button" onClick={copy}>
            {isCopied ? "Copied" : "Copy"}
          </button>
        )}
      </div>
      {isOld && (
        <p className="note note-warning" role="status">
          This checkpoint may be old: the server does not answer.
        </p>
      )}
      {checkpoint && (
        <dl className="load-summary audit-facts">
          <div>
            <dt>Tree size</dt>
            <dd className="audit-size number" data-testid="tree-size">
              {checkpoint.size.toLocaleString("en-US")} {checkpoint.size === 1 ? "leaf" : "leaves"}
            </dd>
          </div>
          <div>
            <dt>Log</dt>
            <dd>{checkpoint.origin}</dd>
          </div>
          <div>
            <dt>Signed by</dt>
            <dd>{checkpoint.signatures.map((it) => it.name).join(", ") || "nobody yet"}</dd>
          </div>
        </dl>
      )}
      <Raw name="Checkpoint text">{text}</Raw>
    </section>
  );
}

function Export() {
  const me = useMe();
  const [state, setState] = useState<{ busy: boolean; problem: string | null }>({
    busy: false,
    problem: null,
  });
  const download = async () => {
    setState({ busy: true, problem: null });
    try {
      // The token travels in a header, which a plain link could not send.
      save(await readExport(), `signalbox-audit-${me.tenant.id}.json`);
      setState({ busy: false, problem: null });
    } catch (error) {
      setState({ busy: false, problem: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <section className="panel audit-part" aria-labelledby="export-title">
      <h2 id="export-title">Export</h2>
      <p>
        All leaves and the checkpoint in one file. It proves itself: an auditor needs neither this server nor
        an account.
      </p>
      {state.problem && (
        <p className="note note-danger" role="alert">
          {state.problem}
        </p>
      )}
      <button type="button" className="button button-primary" onClick={download} disabled={state.busy}>
        {state.busy ? "Preparing…" : "Download the export"}
      </button>
    </section>
  );
}

function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the address after this turn; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function Verify() {
  const me = useMe();
  return (
    <section className="panel audit-part" aria-labelledby="verify-title">
      <h2 id="verify-title">Verify it yourself</h2>
      <p>On any machine, without a network:</p>
      <Raw name="Command">{`signalbox audit verify signalbox-audit-${me.tenant.id}.json`}</Raw>
      <ol>
        <li>It hashes every leaf again and builds the tree from them.</li>
        <li>It compares size and root with the checkpoint, and checks the checkpoint's signature.</li>
        <li>
          Keep each checkpoint you export. A later log whose first leaves no longer give an earlier root has
          been rewritten.
        </li>
      </ol>
      <p className="quiet">
        Personal values are in the log as salted commitments, so that erasing a person's data keeps the proof
        whole.
      </p>
    </section>
  );
}
