import './mark.css';

/** Tone and shape always come together, and a word stands beside them: no state is told by colour alone. */
export type Tone = 'ok' | 'warn' | 'bad' | 'idle' | 'busy';

function Shape({ tone }: { readonly tone: Tone }) {
  switch (tone) {
    case 'ok':
      return <circle cx="6" cy="6" r="4.500" fill="currentColor" />;
    case 'warn':
      return <path d="M6 1 11.500 11H.500z" fill="currentColor" />;
    case 'bad':
      return (
        <>
          <rect x="1" y="1" width="10" height="10" rx="1" fill="currentColor" />
          <path d="m3.800 3.800 4.400 4.400m0-4.400L3.800 8.200" stroke="var(--hb-surface)" strokeWidth="1.500" />
        </>
      );
    case 'idle':
      return <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.500" />;
    case 'busy':
      return (
        <g className="hb-turning">
          <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.500" opacity="0.300" />
          <path d="M6 2a4 4 0 0 1 4 4" fill="none" stroke="currentColor" strokeWidth="1.800" />
        </g>
      );
  }
}

export interface MarkProps {
  readonly tone: Tone;
  readonly word: string;
  readonly hint?: string | undefined;
  readonly isBoxed?: boolean;
}

export function Mark({ tone, word, hint, isBoxed = false }: MarkProps) {
  return (
    <span className="hb-mark" data-tone={tone} data-boxed={isBoxed || undefined} title={hint}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden>
        <Shape tone={tone} />
      </svg>
      {word}
    </span>
  );
}
