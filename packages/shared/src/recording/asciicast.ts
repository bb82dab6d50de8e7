/**
 * asciicast v3 (docs.asciinema.org/manual/asciicast/v3): one JSON header line, then one JSON line an event,
 * `[interval, code, data]`, the interval in seconds since the event before. Codes here: `o` output, `i` input (only
 * where the policy says so), `r` resize ("COLSxROWS"), `m` marker, `x` exit status.
 *
 * Intervals are written from whole ms, so that sums do not drift over a session of many hours.
 */
export const CAST_CODES = ['o', 'i', 'r', 'm', 'x'] as const;
export type CastCode = (typeof CAST_CODES)[number];

export interface CastHeader {
  readonly columns: number;
  readonly rows: number;
  readonly terminal: string;
  /** Unix ms; the file keeps whole seconds. */
  readonly startedAt: number;
  readonly title: string;
}

/** `atMs`: ms since the start of the recording. */
export interface CastEvent {
  readonly atMs: number;
  readonly code: CastCode;
  readonly data: string;
}

/** The header line, with its line end. */
export function encodeCastHeader(header: CastHeader): string {
  const term = { cols: header.columns, rows: header.rows, type: header.terminal };
  return `${JSON.stringify({ version: 3, term, timestamp: Math.floor(header.startedAt / 1000), title: header.title })}\n`;
}

/** One event line, with its line end. @param intervalMs whole ms since the event before */
export function encodeCastEvent(intervalMs: number, code: CastCode, data: string): string {
  return `[${(Math.max(0, intervalMs) / 1000).toFixed(3)},"${code}",${JSON.stringify(data)}]\n`;
}

const isCode = (value: unknown): value is CastCode => CAST_CODES.includes(value as CastCode);

/** Parses one line; null when it is not an event. @returns the interval in whole ms, the code and the data */
export function parseCastEvent(
  line: string,
): { readonly intervalMs: number; readonly code: CastCode; readonly data: string } | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (!Array.isArray(value) || value.length !== 3) return null;
  const [interval, code, data] = value as readonly unknown[];
  if (typeof interval !== 'number' || !(interval >= 0) || interval > 1e9 || !isCode(code) || typeof data !== 'string')
    return null;
  return { intervalMs: Math.round(interval * 1000), code, data };
}

function parseHeader(line: string): CastHeader | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const { version, term, timestamp, title } = (value ?? {}) as {
    version?: unknown;
    term?: unknown;
    timestamp?: unknown;
    title?: unknown;
  };
  const { cols, rows, type } = (term ?? {}) as { cols?: unknown; rows?: unknown; type?: unknown };
  if (version !== 3 || typeof cols !== 'number' || typeof rows !== 'number') return null;
  return {
    columns: cols,
    rows,
    terminal: typeof type === 'string' ? type : 'xterm-256color',
    startedAt: typeof timestamp === 'number' ? timestamp * 1000 : 0,
    title: typeof title === 'string' ? title : '',
  };
}

export type ParsedCast =
  | { readonly ok: true; readonly header: CastHeader; readonly events: readonly CastEvent[] }
  | { readonly ok: false; readonly problem: string };

/** Parses a whole recording; `atMs` is summed from the intervals. Comment lines (`#`) are passed over. */
export function parseCast(source: string): ParsedCast {
  const lines = source.split('\n');
  const header = parseHeader(lines[0] ?? '');
  if (header === null) return { ok: false, problem: 'line 1 is not an asciicast v3 header' };
  const events: CastEvent[] = [];
  let atMs = 0;
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line === '' || line.startsWith('#')) continue;
    const event = parseCastEvent(line);
    if (event === null) return { ok: false, problem: `line ${index + 1} is not an asciicast v3 event` };
    atMs += event.intervalMs;
    events.push({ atMs, code: event.code, data: event.data });
  }
  return { ok: true, header, events };
}
