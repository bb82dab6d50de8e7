/**
 * Signed heads of the audit log: each minute in which something was written, the place of the newest row is signed by
 * the controller's link key and handed to nodes and outside witnesses (docs/decisions/0010).
 */
import { signAuditExportEnd, signAuditHead, type ControllerIdentity } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import type { SignedLinkStep } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import type { AuditFindingsService } from './audit-findings.service.ts';
import type { AuditHeadsRepository, HeadRecord } from './audit-heads.repository.ts';
import type { AuditRepository } from './audit.repository.ts';
import type { AuditService } from './audit.service.ts';
import type { OutsideWitness } from './outside-witness.ts';

export interface AuditHeadsParts {
  readonly repository: AuditRepository;
  readonly heads: AuditHeadsRepository;
  readonly audit: AuditService;
  readonly findings: AuditFindingsService;
  readonly identity: ControllerIdentity;
  /** Steps between link keys; `refresh` learns of another one. */
  readonly linkKeys: { readonly steps: readonly SignedLinkStep[]; refresh(): Promise<unknown> };
  readonly clock: Clock;
  readonly log: Log;
  readonly witnesses: readonly OutsideWitness[];
  /** Rule AUDIT1: to every node whose link is up. */
  tellNodes(jws: string): void;
}

const HEAD_EVERY_MS = 60_000;

export class AuditHeadsService {
  readonly #parts: AuditHeadsParts;
  #timer: Timer | null = null;
  #newest: HeadRecord | null = null;
  /** Row of the head that nodes were told last. */
  #toldSeq = 0;

  constructor(parts: AuditHeadsParts) {
    this.#parts = parts;
  }

  /** Looks at what the outside kept before anything new is signed. */
  async start(): Promise<void> {
    const { witnesses, findings, clock, log } = this.#parts;
    for (const witness of witnesses) {
      const jws = await witness.lastKept();
      if (jws !== null) await findings.judge(jws, null);
    }
    await this.beat();
    this.#timer = clock.every(HEAD_EVERY_MS, () => {
      this.beat().catch((error: unknown) => log.warn({ err: error }, 'a head of the audit log could not be signed'));
    });
  }

  /** Signs what was written last. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.beat();
  }

  /** Signs, when there are new rows, and tells. */
  async beat(): Promise<void> {
    const head = await this.#sign();
    if (head === null) return;
    if (head.seq > this.#toldSeq) this.#parts.tellNodes(head.jws);
    this.#toldSeq = head.seq;
    await this.#tellWitnesses(head);
  }

  /** Rules AUDIT1 and AUDIT3. */
  async seen(link: { readonly nodeId: string }, kept: string | null): Promise<string | null> {
    if (kept !== null) await this.#parts.findings.judge(kept, link.nodeId);
    return this.#newest?.jws ?? null;
  }

  async state() {
    const { repository, heads, findings, identity, witnesses } = this.#parts;
    const [tail, head, open] = await Promise.all([repository.tail(), heads.newest(), findings.open()]);
    return {
      controllerId: identity.controllerId,
      key: identity.key.publicText,
      rows: tail.seq,
      head: head === null ? null : { seq: head.seq, hash: head.hash, at: head.at },
      witnesses: witnesses.map((witness) => witness.state()),
      findings: open,
    };
  }

  /** Signs the log as it stands, for an export up to there; `end` gives the statement that closes the export. */
  async closing() {
    const { identity, clock, linkKeys } = this.#parts;
    const head = await this.#sign();
    if (head === null) throw new HaubanError('CONFLICT', 'The audit log is empty: there is nothing to export.');
    const { controllerId: controller, key } = identity;
    const { seq, hash } = head;
    return {
      controller,
      seq,
      steps: linkKeys.steps,
      end: (all: { readonly heads: number; readonly headsHash: string }): string =>
        signAuditExportEnd({ v: 1, controller, seq, hash, at: clock.nowMs(), ...all }, key),
    };
  }

  /** Unless the newest row was signed already. Two controllers may do this at once: the log and its place are the same. */
  async #sign(): Promise<HeadRecord | null> {
    const { repository, heads, identity, clock, linkKeys } = this.#parts;
    // A key that was replaced signs nothing more.
    await linkKeys.refresh();
    const known = await heads.newest();
    const { seq, hash } = await repository.tail();
    if (seq === 0 || (known !== null && known.seq >= seq)) this.#newest = known;
    else {
      const at = clock.nowMs();
      const jws = signAuditHead({ v: 1, controller: identity.controllerId, seq, hash, at }, identity.key);
      this.#newest = { seq, hash, at, key: identity.key.publicText, jws };
      await heads.add(this.#newest);
    }
    return this.#newest;
  }

  async #tellWitnesses(head: HeadRecord): Promise<void> {
    const { witnesses, audit } = this.#parts;
    for (const witness of witnesses) {
      const change = await witness.tell(head);
      if (change === null) continue;
      const { kind, where, problem } = witness.state();
      const detail = { kind, where, ...(problem === null ? {} : { problem }) };
      await audit.recordAlone({ code: change === 'lost' ? 'A6020E' : 'A6021I', who: 'system', detail });
    }
  }
}
