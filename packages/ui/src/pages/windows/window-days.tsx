import type { WindowRow } from '@hauban/shared/api';
import { useMemo } from 'react';
import { formatDate } from '../../format/time.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { useNow } from '../../parts/use-now.ts';
import { texts } from '../../texts/index.ts';
import { spansBetween } from './window-spans.ts';
import './windows.css';

const t = texts.windows;
const DAYS = 7;
const MINUTE_MS = 60_000;
const HEIGHT = 10;

/** Begin of each of the next days on the reader's clock, and of the one after them. */
function dayStarts(nowMs: number): number[] {
  const start = new Date(nowMs);
  return Array.from({ length: DAYS + 1 }, (_, n) =>
    new Date(start.getFullYear(), start.getMonth(), start.getDate() + n).getTime(),
  );
}

function DayLine({
  window,
  starts,
  now,
}: {
  readonly window: WindowRow;
  readonly starts: readonly number[];
  readonly now: number;
}) {
  const [from = 0, until = 0] = [starts[0], starts.at(-1)];
  const spans = useMemo(() => spansBetween(window, from, until), [window, from, until]);
  const at = (ms: number): number => (ms - from) / MINUTE_MS;
  const name = visibleLine(window.name, 40);
  return (
    <div className="hb-days-row">
      <span className="hb-foreign">{name}</span>
      <svg
        viewBox={`0 0 ${at(until)} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t.pictureOf(name, spans.length)}
      >
        {spans.map((span) => (
          <rect
            key={span.from}
            data-kind={window.kind}
            x={at(span.from)}
            width={at(span.until) - at(span.from)}
            y={0}
            height={HEIGHT}
          />
        ))}
        {starts.slice(1, -1).map((ms) => (
          <line key={ms} x1={at(ms)} x2={at(ms)} y1={0} y2={HEIGHT} />
        ))}
        <line data-now x1={at(now)} x2={at(now)} y1={0} y2={HEIGHT} />
      </svg>
    </div>
  );
}

/** The next days as a picture: one line a window. The table below says the same in words. */
export function WindowDays({ rows }: { readonly rows: readonly WindowRow[] }) {
  const now = useNow();
  const today = formatDate(now);
  // Moves with the day, not with each second.
  const starts = useMemo(() => dayStarts(Date.parse(`${today}T12:00:00`)), [today]);
  return (
    <section className="hb-days" aria-label={t.picture(DAYS)}>
      <h2 className="hb-section-title">{t.picture(DAYS)}</h2>
      <div className="hb-days-row" aria-hidden>
        <span />
        <div className="hb-days-heads">
          {starts.slice(0, -1).map((ms) => (
            <span key={ms}>{formatDate(ms).slice(5)}</span>
          ))}
        </div>
      </div>
      {rows.map((window) => (
        <DayLine key={window.id} window={window} starts={starts} now={now} />
      ))}
      <p className="hb-quiet hb-small">{t.pictureLegend}</p>
    </section>
  );
}
