/** The words of a message, as they will be sent or were. */
export interface Wording {
  subject: string;
  body: string;
}

type Fields = Record<string, unknown>;

/** The message in a proposal or an event, and whom it is for; none where it is not whole. */
export function findMessage(fields: Fields | null | undefined): (Wording & { to: string }) | null {
  const { subject, body, to_name, to } = fields ?? {};
  if (typeof subject !== "string" || typeof body !== "string") return null;
  return { subject, body, to: String(to_name ?? to ?? "") };
}

/** A message as its receiver reads it. */
export function Message({ message }: { message: Wording }) {
  return (
    <>
      <p className="message-subject">{message.subject}</p>
      <p className="message-body">{message.body}</p>
    </>
  );
}
