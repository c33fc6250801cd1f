import { memo, type ReactNode, useEffect, useRef } from "react";
import { board, useRow } from "../../app/live";
import { COLUMNS } from "./columns";
import { ROW_PX } from "./grid";

interface Props {
  id: string;
  index: number;
  /** The column with the focus, -1 where the row has none. */
  column: number;
  activate: (key: string, column: number) => void;
  open: (load: string) => void;
}

export const GridRow = memo(function GridRow({ id, index, column, activate, open }: Props) {
  const row = useRow(board, id);
  return (
    <div
      role="row"
      className={`grid-row ${index % 2 ? "odd" : ""} ${column >= 0 ? "active" : ""}`}
      aria-rowindex={index + 2}
      style={{ transform: `translateY(${index * ROW_PX}px)` }}
      onDoubleClick={() => open(row?.load ?? id)}
    >
      {COLUMNS.map((it, at) => (
        <Cell
          key={it.name}
          name={it.name}
          at={at}
          isActive={at === column}
          says={row ? it.says(row) : "gone"}
          activate={() => activate(id, at)}
        >
          {row ? it.show(row) : at === 1 ? <span className="quiet">No longer on the board</span> : null}
        </Cell>
      ))}
    </div>
  );
});

interface CellProps {
  name: string;
  at: number;
  isActive: boolean;
  says: string;
  activate: () => void;
  children: ReactNode;
}

function Cell({ name, at, isActive, says, activate, children }: CellProps) {
  const cell = useRef<HTMLDivElement>(null);
  useFlash(cell, says);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles the keys for all its cells
    <div
      ref={cell}
      role="gridcell"
      className={`cell cell-${name}`}
      aria-colindex={at + 1}
      tabIndex={isActive ? 0 : -1}
      onClick={activate}
      onFocus={isActive ? undefined : activate}
    >
      {children}
    </div>
  );
}

const FLASH_MS = 1_200;

/** A cell that says something new lights up once. A cell that came into sight does not. */
function useFlash(cell: React.RefObject<HTMLDivElement | null>, says: string): void {
  const before = useRef(says);
  useEffect(() => {
    if (before.current === says) return;
    before.current = says;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    cell.current?.animate([{ backgroundColor: "var(--flash)" }, { backgroundColor: "transparent" }], {
      duration: FLASH_MS,
      easing: "ease-out",
    });
  }, [cell, says]);
}
