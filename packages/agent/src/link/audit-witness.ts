import { auditCrypto } from '@hauban/link';
import { openAuditHead } from '@hauban/shared/audit';
import { HaubanError } from '@hauban/shared/errors';
import type { KeptHead } from '../store/audit-head-file.ts';
import type { LinkLog } from './link-log.ts';

export interface AuditWitnessDeps {
  readonly log: LinkLog;
  load(): KeptHead | 'damaged' | null;
  /** Durable when it returns; throws HaubanError when it cannot be. */
  store(head: KeptHead): void;
  /** The controller that this node is pinned to, and its link keys that are taken now; read anew each time. */
  controller(): { readonly controllerId: string; readonly controllerKeys: readonly string[] };
}

/**
 * This node as a witness of the controller's audit log: it keeps the newest signed head that it has seen and tells it
 * at each new link, so that a controller whose log was cut, rewritten or restored from an old backup is found out.
 */
export class AuditWitness {
  readonly #deps: AuditWitnessDeps;
  #kept: KeptHead | null;

  constructor(deps: AuditWitnessDeps) {
    this.#deps = deps;
    const loaded = deps.load();
    if (loaded === 'damaged') deps.log.warn({}, 'the kept head of the audit log is damaged; the next one replaces it');
    this.#kept = loaded === 'damaged' ? null : loaded;
  }

  /** What `status` carries (rule AUDIT3). */
  get newest(): string | null {
    return this.#kept?.jws ?? null;
  }

  /** Rule AUDIT2. */
  take(jws: string): void {
    const { log } = this.#deps;
    try {
      this.#judge(jws);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      log.warn({ code: error.code, detail: error.detail }, 'a head of the audit log could not be kept');
    }
  }

  #judge(jws: string): void {
    const { log, controller, store } = this.#deps;
    const { controllerId, controllerKeys } = controller();
    const head = openAuditHead(jws, controllerKeys, auditCrypto);
    if (head === null || head.controller !== controllerId) {
      log.warn({}, 'a head of the audit log was not signed by the controller and is not kept');
      return;
    }
    // After a new enrolment: what another controller said is no measure.
    const kept = this.#kept?.controller === controllerId ? this.#kept : null;
    const { seq, hash } = head;
    if (kept !== null && seq <= kept.seq) {
      if (seq < kept.seq || hash !== kept.hash)
        log.warn({ seq, hash, keptSeq: kept.seq, keptHash: kept.hash }, 'the audit log has gone back or was rewritten');
      return;
    }
    const next = { v: 1, controller: controllerId, seq, hash, jws } as const;
    store(next);
    this.#kept = next;
  }
}
