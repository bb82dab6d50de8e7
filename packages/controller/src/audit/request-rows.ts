import type { Clock, Timer } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import type { AuditService } from './audit.service.ts';
import { ROUTE_ROWS, TOLD_REFUSALS } from './route-rows.ts';

/** How a request ended, as `http` tells it. */
export interface RequestOutcome {
  readonly method: string;
  /** Pattern of the route: no value of the request is in it. */
  readonly route: string;
  readonly status: number;
  /** Error code of a refusal or failure; null when it was answered. */
  readonly code: string | null;
  /** Name of the person; null when the request did not prove any. */
  readonly who: string | null;
  readonly address: string;
}

export interface RequestRows {
  /** Takes note and returns at once. */
  ended(outcome: RequestOutcome): void;
  /** Writes what is noted. */
  stop(): Promise<void>;
}

/** Who is refused a thousand times a second fills one row, not the audit log. */
const FLUSH_MS = 1000;
const MOST_KINDS = 100;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Refusals that count for reading too: somebody looked where they may not. */
const DENIED = new Set([401, 403, 429]);

/** Entries for requests whose feature writes none: every refusal and failure, and every change without an entry of its own. */
export function createRequestRows(audit: AuditService, clock: Clock, log: Log): RequestRows {
  let noted = new Map<string, { readonly outcome: RequestOutcome; count: number }>();
  /** Those that were one kind too many. */
  let others = 0;
  let timer: Timer | null = null;

  const write = async ({ method, route, status, code, who, address }: RequestOutcome, count: number): Promise<void> => {
    const detail = { method, route, status, ...(code === null ? {} : { code }), ...(count === 1 ? {} : { count }) };
    const event = code === null ? 'A1032I' : status >= 500 ? 'A1031E' : 'A1030W';
    await audit.recordAlone({ code: event, who: who ?? 'nobody', address, detail });
  };
  const flush = async (): Promise<void> => {
    timer = null;
    const rows = noted;
    const more = others;
    noted = new Map();
    others = 0;
    for (const { outcome, count } of rows.values()) await write(outcome, count);
    if (more > 0) await audit.recordAlone({ code: 'A1030W', who: 'nobody', detail: { others: more } });
  };
  const note = (outcome: RequestOutcome): void => {
    const { method, route, code, who, address } = outcome;
    const key = JSON.stringify([method, route, code, who, address]);
    const known = noted.get(key);
    if (known !== undefined) known.count += 1;
    else if (noted.size < MOST_KINDS) noted.set(key, { outcome, count: 1 });
    else others += 1;
    timer ??= clock.after(FLUSH_MS, () => {
      flush().catch((error: unknown) => log.warn({ err: error }, 'refusals could not be written to the audit log'));
    });
  };

  return {
    ended: (outcome) => {
      const { method, route, status, code } = outcome;
      const isReading = SAFE.has(method);
      if (code === null) {
        if (!isReading && ROUTE_ROWS[`${method} ${route}`] === undefined) note(outcome);
      } else if (!TOLD_REFUSALS.has(code) && (!isReading || DENIED.has(status))) note(outcome);
    },
    stop: async () => {
      timer?.cancel();
      await flush();
    },
  };
}
