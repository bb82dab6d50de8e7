import type { Clock, Timer } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Log } from '../runtime/index.ts';

/** As the gateway tells it (`LinkRefusal` of its ports). */
export interface LinkRefusalOf {
  readonly mode: 'node' | 'enrol' | 'unknown';
  readonly claimedNodeId: string;
  readonly address: string;
  readonly code: number;
  readonly why: string;
}

export interface LinkRefusalsService {
  /** Takes note and returns at once. */
  refused(refusal: LinkRefusalOf): void;
  /** Writes what is noted. */
  stop(): Promise<void>;
}

/** Who knocks a thousand times a second fills one row, not the audit log. */
const FLUSH_MS = 5_000;
const MOST_KINDS = 500;

export function createLinkRefusals(audit: AuditService, clock: Clock, log: Log): LinkRefusalsService {
  let noted = new Map<string, { readonly refusal: LinkRefusalOf; count: number }>();
  let timer: Timer | null = null;

  const flush = async (): Promise<void> => {
    timer = null;
    const rows = noted;
    noted = new Map();
    for (const { refusal, count } of rows.values()) {
      const { mode, claimedNodeId, address, code, why } = refusal;
      const detail = { mode, claimedNodeId, code, why, count };
      await audit.recordAlone({ code: mode === 'enrol' ? 'A2011W' : 'A2022W', who: 'system', address, detail });
    }
  };

  return {
    refused: (refusal) => {
      const key = JSON.stringify([refusal.mode, refusal.address, refusal.code, refusal.claimedNodeId, refusal.why]);
      const known = noted.get(key);
      if (known !== undefined) known.count += 1;
      else if (noted.size < MOST_KINDS) noted.set(key, { refusal, count: 1 });
      timer ??= clock.after(FLUSH_MS, () => {
        flush().catch((error: unknown) =>
          log.warn({ err: error }, 'refused links could not be written to the audit log'),
        );
      });
    },
    stop: async () => {
      timer?.cancel();
      await flush();
    },
  };
}
