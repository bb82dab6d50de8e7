import { formatRatio, NO_VALUE } from '../format/units.ts';
import './ratio-bar.css';

export type Level = 'calm' | 'high' | 'critical';

/** From where a figure deserves a look; the fullest disk is judged later than a busy processor. */
export function levelOf(ratio: number, highAt = 0.8, criticalAt = 0.95): Level {
  if (ratio >= criticalAt) return 'critical';
  return ratio >= highAt ? 'high' : 'calm';
}

export interface RatioBarProps {
  readonly ratio: number | null;
  readonly label: string;
  /** Shown instead of the percentage (a load). */
  readonly text?: string;
  readonly highAt?: number;
  readonly criticalAt?: number;
}

/** A figure with a thin bar below it. Above its limits it turns amber or red, bold, and carries a mark. */
export function RatioBar({ ratio, label, text, highAt, criticalAt }: RatioBarProps) {
  if (ratio === null) return <span className="hb-quiet">{NO_VALUE}</span>;
  const level = levelOf(ratio, highAt, criticalAt);
  const shown = text ?? formatRatio(ratio);
  const width = Math.min(100, Math.max(0, ratio * 100));
  return (
    <span className="hb-ratio" data-level={level} title={`${label} ${shown}`}>
      <span className="hb-ratio-text">
        {level === 'calm' ? null : (
          <svg width="9" height="9" viewBox="0 0 12 12" aria-hidden>
            <path d="M6 1 11.500 11H.500z" fill="currentColor" />
          </svg>
        )}
        {shown}
      </span>
      <svg className="hb-ratio-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden>
        <rect className="hb-ratio-ground" width="100" height="4" />
        <rect className="hb-ratio-fill" width={width} height="4" />
      </svg>
    </span>
  );
}
