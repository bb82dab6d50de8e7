/**
 * Small parts that several pages share: marks, notices, tables, times. Each shows what it is given; none fetches.
 */
import { texts } from '../texts/index.ts';

/** The mark of the house: a mast, its stays, and a pennant in copper. Takes the colour of the text around it. */
export function LogoMark({
  sizePx = 24,
  isDecorative = true,
}: {
  readonly sizePx?: number;
  readonly isDecorative?: boolean;
}) {
  const label = isDecorative ? { 'aria-hidden': true } : { role: 'img', 'aria-label': texts.app.mark };
  return (
    <svg
      width={sizePx}
      height={sizePx}
      viewBox="0 0 32 32"
      fill="none"
      strokeLinecap="round"
      strokeLinejoin="round"
      {...label}
    >
      <g stroke="currentColor">
        <path d="M14 4v23" strokeWidth="2.2" />
        <path d="M14 7 5 26M14 7l13 19M14 14 9.500 26M14 14l7.500 12" strokeWidth="1.3" />
        <path d="M3.500 27h25" strokeWidth="2.2" />
      </g>
      <path d="M15.200 3.800 23 6.500l-7.800 2.700z" fill="var(--hb-copper-bright)" />
    </svg>
  );
}
