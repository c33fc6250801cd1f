export const KINDS = { approval: "Approval", exception: "Exception", held: "Manual queue" };
