import { Pill } from "../../kit/status-pill";

export const KINDS = { approval: "Approval", exception: "Exception", held: "Manual queue" };

/** Its load has high priority and comes first. */
export const Expedited = () => (
  <Pill tone="danger" shape="»">
    Expedite
  </Pill>
);
