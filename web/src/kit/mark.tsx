/** The house sign: a signal arm and its lamp. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <rect width="32" height="32" rx="7" className="mark-ground" />
      <rect x="8" y="6" width="3" height="20" rx="1.5" className="mark-post" />
      <rect x="10" y="8" width="15" height="5" rx="1.5" transform="rotate(-18 10 10)" className="mark-arm" />
      <circle cx="22" cy="22" r="4" className="mark-lamp" />
    </svg>
  );
}
