// A signed checkpoint (C2SP tlog-checkpoint): origin, tree size, root hash, then signatures after an empty line.

export interface Checkpoint {
  origin: string;
  size: number;
  root: string;
  signatures: { name: string; text: string }[];
}

/** `null` where the text is no checkpoint; it is then shown as it is. */
export function readCheckpointText(text: string): Checkpoint | null {
  const [body = "", tail = ""] = text.split(/\n\n/);
  const [origin, size = "", root] = body.split("\n");
  if (!origin || !root || !/^\d+$/.test(size)) return null;
  const signatures = tail
    .split("\n")
    .map((line) => /^— (\S+) (\S+)$/.exec(line.trim()))
    .filter((match) => match !== null)
    .map(([, name = "", signature = ""]) => ({ name, text: signature }));
  return { origin, size: Number(size), root, signatures };
}
