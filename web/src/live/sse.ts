// Server-sent events read from a fetch body: EventSource cannot send an Authorization header.

export interface SseEvent {
  id: string | null;
  event: string;
  data: string;
}

/** Longest unfinished event kept; a stream that exceeds it is broken or hostile. */
export const EVENT_CHARS_MAX = 4_000_000;

/** Feed it text as it comes; it returns the events that became complete. */
export class SseParser {
  #rest = "";
  #id: string | null = null;
  #event = "";
  #data: string[] = [];
  #size = 0;
  #first = true;

  push(chunk: string): SseEvent[] {
    let text = this.#rest + chunk;
    if (this.#first && text.length > 0) {
      this.#first = false;
      text = text.startsWith("\uFEFF") ? text.slice(1) : text;
    }
    const events: SseEvent[] = [];
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const letter = text[at];
      if (letter !== "\n" && letter !== "\r") continue;
      // A carriage return at the very end may be half of a pair: wait for the rest.
      if (letter === "\r" && at + 1 === text.length) break;
      const event = this.#line(text.slice(from, at));
      if (event) events.push(event);
      if (letter === "\r" && text[at + 1] === "\n") at++;
      from = at + 1;
    }
    this.#rest = text.slice(from);
    if (this.#rest.length + this.#size > EVENT_CHARS_MAX)
      throw new Error("The live stream sent an event too long to read.");
    return events;
  }

  #line(line: string): SseEvent | null {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #dispatch(): SseEvent | null {
    const event = { id: this.#id, event: this.#event || "message", data: this.#data.join("\n") };
    const empty = this.#data.length === 0 && this.#event === "";
    this.#event = "";
    this.#data = [];
    this.#size = 0;
    return empty ? null : event;
  }
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  const parser = new SseParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
