import { formatDateTime, formatRelative, formatUtc, readerZone } from '../format/time.ts';
import { texts } from '../texts/index.ts';
import { NOW_LAG_MS, useNow } from './use-now.ts';

const hover = (at: number): string => texts.time.both(formatDateTime(at), readerZone(), formatUtc(at));

/** A time as people say it ("3 min ago"); the exact one, here and in UTC, on hover. Null: never. */
export function RelativeTime({ at }: { readonly at: number | null }) {
  const now = useNow();
  if (at === null) return <span className="hb-quiet">{texts.time.never}</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={hover(at)} className="hb-nowrap">
      {formatRelative(at, at - now > 0 && at - now <= NOW_LAG_MS ? at : now)}
    </time>
  );
}

/** Date and time in the reader's zone; UTC on hover. */
export function DateTime({ at }: { readonly at: number | null }) {
  if (at === null) return <span className="hb-quiet">{texts.time.never}</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={hover(at)} className="hb-nowrap">
      {formatDateTime(at)}
    </time>
  );
}
