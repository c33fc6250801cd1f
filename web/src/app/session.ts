// The token of this tab. It lives in sessionStorage: it ends with the tab and is never sent by itself.

const KEY = "signalbox.token";

let current: string | null = read();
/** Why there is no token, for the sign-in page. */
let farewell: string | null = null;
const listeners = new Set<() => void>();

export const token = () => current;
export const whyOut = () => farewell;

export function signIn(secret: string): void {
  set(secret.trim() || null, null);
}

export function signOut(why: string | null = null): void {
  set(null, why);
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The token in `/#token=…` and the address without it. A login link must not stay in the address bar or the history. */
export function takeFragment(hash: string): { token: string | null; rest: string } {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const found = fields.get("token");
  if (!found) return { token: null, rest: hash };
  fields.delete("token");
  const left = fields.toString();
  return { token: found, rest: left ? `#${left}` : "" };
}

/** Signs in from a login link, before anything else reads the address. */
export function signInFromAddress(): void {
  const { token: found, rest } = takeFragment(location.hash);
  if (!found) return;
  history.replaceState(history.state, "", location.pathname + location.search + rest);
  signIn(found);
}

function set(next: string | null, why: string | null): void {
  current = next;
  farewell = why;
  try {
    if (next) sessionStorage.setItem(KEY, next);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Storage may be switched off; the tab then forgets on reload, which is safe.
  }
  for (const listener of listeners) listener();
}

function read(): string | null {
  try {
    return globalThis.sessionStorage?.getItem(KEY) ?? null;
  } catch {
    return null;
  }
}
