// A curve that settles: what annealing does.
export const Logo = ({ className }: { className?: string }) => (
  <svg viewBox="0 0 32 32" className={className} aria-hidden>
    <rect width="32" height="32" rx="8" className="fill-primary" />
    <path
      d="M6 9c4.5 0 4.5 14 9.5 14S20 15 26 15"
      fill="none"
      className="stroke-primary-foreground"
      strokeWidth="3"
      strokeLinecap="round"
    />
  </svg>
);
