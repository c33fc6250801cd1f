import { type FormEvent, useId, useState } from "react";
import { Mark } from "../kit/mark";
import { signIn, whyOut } from "./session";

export function SignIn() {
  const [secret, setSecret] = useState("");
  const [complaint, setComplaint] = useState<string | null>(null);
  const field = useId();
  const why = whyOut();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const plain = secret
      .trim()
      .replace(/^Bearer\s+/i, "")
      .replace(/^.*#token=/, "");
    if (/^[\x21-\x7e]+$/.test(plain)) signIn(plain);
    else setComplaint("A token is one word without spaces. Copy it again, without line breaks.");
  };
  return (
    <main className="alone">
      <form className="sign-in panel" onSubmit={submit}>
        <h1>
          <Mark /> Signalbox
        </h1>
        {why ? (
          <p className="note note-warning" role="alert">
            You were signed out. {why}
          </p>
        ) : (
          <p>You are signed out. Nothing is shown or sent until you sign in.</p>
        )}
        <label htmlFor={field}>Access token</label>
        <input
          id={field}
          type="password"
          autoComplete="current-password"
          // biome-ignore lint/a11y/noAutofocus: the page has no other purpose
          autoFocus
          spellCheck={false}
          required
          value={secret}
          aria-describedby={`${field}-how`}
          aria-invalid={complaint !== null}
          onChange={(event) => {
            setSecret(event.target.value);
            setComplaint(null);
          }}
        />
        {complaint && (
          <p className="note note-danger" role="alert">
            {complaint}
          </p>
        )}
        <button type="submit" className="button button-primary">
          Sign in
        </button>
        <div id={`${field}-how`} className="hint">
          <p>
            Paste a token or a whole login link. In <code>signalbox demo</code> the page at <code>/demo</code>{" "}
            signs in by a click; on your own server an administrator issues the token.
          </p>
          <p>The token stays in this browser tab and is forgotten when you close it.</p>
        </div>
      </form>
    </main>
  );
}
