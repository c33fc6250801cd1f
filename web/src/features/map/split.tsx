import {
  type KeyboardEvent,
  lazy,
  type PointerEvent,
  type ReactNode,
  Suspense,
  useRef,
  useState,
} from "react";
import { Loading } from "../../kit/states";
import "./split.css";

/** The map's library and outlines are read only once somebody opens the map. */
const MapView = lazy(() => import("./map-view"));

const KEY = "signalbox.map.share";
const SHARE_MIN = 20;
const SHARE_MAX = 80;
const STEP = 5;

interface Props {
  isOpen: boolean;
  selected: string | null;
  select: (load: string | null) => void;
  children: ReactNode;
}

/** The map beside the list, with a bar between them that a pointer drags and the arrow keys move. */
export function Split({ isOpen, selected, select, children }: Props) {
  const [share, setShare] = useState(readShare);
  const frame = useRef<HTMLDivElement>(null);
  const set = (wanted: number) => {
    const bounded = Math.round(Math.min(SHARE_MAX, Math.max(SHARE_MIN, wanted)));
    setShare(bounded);
    try {
      localStorage.setItem(KEY, String(bounded));
    } catch {
      // Without storage the width lasts until the next load.
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowLeft: -STEP,
      ArrowUp: -STEP,
      ArrowRight: STEP,
      ArrowDown: STEP,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    set(share + step);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !frame.current) return;
    const box = frame.current.getBoundingClientRect();
    const isStacked = getComputedStyle(frame.current).flexDirection === "column";
    set(
      isStacked
        ? ((event.clientY - box.top) / box.height) * 100
        : ((event.clientX - box.left) / box.width) * 100,
    );
  };
  return (
    <div className="split" ref={frame}>
      {isOpen && (
        <>
          <div className="split-map" style={{ flexBasis: `${share}%` }}>
            <Suspense fallback={<Loading what="Unfolding the map" />}>
              <MapView selected={selected} select={select} />
            </Suspense>
          </div>
          <div
            className="split-bar"
            role="separator"
            aria-label="Width of the map"
            aria-orientation="vertical"
            aria-valuenow={share}
            aria-valuemin={SHARE_MIN}
            aria-valuemax={SHARE_MAX}
            tabIndex={0}
            onKeyDown={onKeyDown}
            onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            onPointerMove={onPointerMove}
          />
        </>
      )}
      <div className="split-list">{children}</div>
    </div>
  );
}

function readShare(): number {
  try {
    const kept = Number(localStorage.getItem(KEY));
    return kept >= SHARE_MIN && kept <= SHARE_MAX ? kept : 42;
  } catch {
    return 42;
  }
}
