/** One event of an asciicast v3 file: seconds since the one before, kind, data. */
export type CastEvent = readonly [intervalS: number, kind: string, data: string];

export interface Cast {
  readonly header: { readonly version: number; readonly term: { readonly cols: number; readonly rows: number } };
  readonly events: readonly CastEvent[];
  /** All output together. */
  readonly output: string;
}

/** Parses a recording as a player does; throws with the line that no player would take. */
export function parseCast(text: string): Cast {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const header = JSON.parse(lines[0] ?? '') as Cast['header'];
  if (header.version !== 3 || !Number.isInteger(header.term.cols))
    throw new Error(`no asciicast v3: ${lines[0] ?? ''}`);
  const events = lines.slice(1).map((line) => {
    const event = JSON.parse(line) as CastEvent;
    const isEvent =
      Array.isArray(event) &&
      event.length === 3 &&
      event[0] >= 0 &&
      typeof event[1] === 'string' &&
      typeof event[2] === 'string';
    if (!isEvent) throw new Error(`no event of asciicast v3: ${line}`);
    return event;
  });
  return { header, events, output: events.flatMap(([, kind, data]) => (kind === 'o' ? [data] : [])).join('') };
}
