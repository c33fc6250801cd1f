import { createContext, type ReactNode, useCallback, useContext, useState } from "react";

const Announce = createContext<(text: string) => void>(() => undefined);

/** Tells a screen reader what just happened. */
export const useAnnounce = () => useContext(Announce);

export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const [said, setSaid] = useState({ text: "", count: 0 });
  const announce = useCallback(
    (text: string) => setSaid((before) => ({ text, count: before.count + 1 })),
    [],
  );
  return (
    <Announce.Provider value={announce}>
      {children}
      <div className="unseen" role="status" aria-live="polite" data-testid="announcer">
        {/* The same words twice are two announcements. */}
        <span key={said.count}>{said.text}</span>
      </div>
    </Announce.Provider>
  );
}
