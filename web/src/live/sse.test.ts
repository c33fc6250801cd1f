import { describe, expect, it } from "vitest";
import { EVENT_CHARS_MAX, SseParser } from "./sse";

function read(...chunks: string[]) {
  const parser = new SseParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

describe("server-sent events", () => {
  it("reads id, event and data", () => {
    expect(read('id: 7\nevent: change\ndata: {"seq":7}\n\n')).toEqual([
      { id: "7", event: "change", data: '{"seq":7}' },
    ]);
  });

  it("joins events cut anywhere", () => {
    const text = "id: 1\r\nevent: change\r\ndata: one\r\n\r\nevent: beat\ndata: two\n\n";
    const whole = read(text);
    expect(whole).toHaveLength(2);
    for (let at = 0; at <= text.length; at++) expect(read(text.slice(0, at), text.slice(at))).toEqual(whole);
    expect(read(...text)).toEqual(whole);
  });

  it("keeps the last id, as the standard says", () => {
    expect(read("id: 4\ndata: a\n\ndata: b\n\n").map((event) => event.id)).toEqual(["4", "4"]);
  });

  it("joins several data lines and takes one blank off", () => {
    expect(read("data: a\ndata:  b\ndata\n\n")[0]?.data).toBe("a\n b\n");
  });

  it("passes over comments and events without content", () => {
    expect(read(": still here\n\n\n\nretry: 5\n\n")).toEqual([]);
  });

  it("gives an event without data where it has a name", () => {
    expect(read("event: reset\n\n")).toEqual([{ id: null, event: "reset", data: "" }]);
  });

  it("waits for the end of an event that is cut off", () => {
    expect(read("data: half")).toEqual([]);
    expect(read("data: half\n")).toEqual([]);
  });

  it("refuses an event that never ends", () => {
    const parser = new SseParser();
    expect(() => parser.push(`data: ${"x".repeat(EVENT_CHARS_MAX)}`)).toThrow("too long");
  });
});
