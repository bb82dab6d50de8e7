/**
 * The authority key as the controller sees it: which version is in force, the draft of the next one with the approvals of
 * owners, and the signed steps that nodes follow by. The signer makes and keeps the keys; the executors decide.
 */
import { authorityStepChallenge, authorityStepHash, peekJws, verifyAssertion } from '@hauban/link';
import type { TrustState } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import {
  checkAuthorityStep,
  parseWith,
  type Assertion,
  type AuthorityStep,
  type Bundle,
  type SignedStep,
} from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import { assertionsOf, type ApprovalsRepository } from './approvals.repository.ts';
import type { AuthorityRepository, StepDraftRecord } from './authority.repository.ts';
import type { TrustCaller } from './trust-caller.ts';
import { parseAnswer, requestOptions } from './webauthn-answer.ts';

export interface AuthorityParts {
  readonly repository: AuthorityRepository;
  readonly approvals: ApprovalsRepository;
  readonly signer: {
    draftStep(controller: string, overlapMs: number): Promise<AuthorityStep>;
    signStep(step: AuthorityStep, approvals: readonly Assertion[]): Promise<SignedStep>;
    step(version: number): Promise<SignedStep | null>;
  };
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly controllerId: string;
  /** The policy bundle in force. */
  readonly bundle: () => Bundle | null;
}

/** Who asked on the command line of this machine. */
type RotationCaller = Pick<TrustCaller, 'name'> & { readonly address: string | null };

/** `waiting`: so many owners have to approve it on the page. */
export type RotationOutcome =
  | { readonly is: 'in-force'; readonly version: number; readonly retireAt: number }
  | { readonly is: 'waiting'; readonly version: number; readonly needed: number };

/** Nothing is verified: nodes and signer do. */
function read(signed: SignedStep | null): AuthorityStep | null {
  const peeked = signed === null ? null : peekJws(signed.byBefore);
  const parsed = peeked?.ok === true ? parseWith(checkAuthorityStep, peeked.payload) : null;
  return parsed?.ok === true ? parsed.value : null;
}

export class AuthorityService {
  readonly #parts: AuthorityParts;
  #signed: readonly SignedStep[] = [];
  #last: AuthorityStep | null = null;

  constructor(parts: AuthorityParts) {
    this.#parts = parts;
  }

  /** Of the key in force, as far as this controller knows. */
  get version(): number {
    return this.#signed.length + 1;
  }

  /** Steps that lead on from this version, the oldest first. */
  after(version: number): readonly SignedStep[] {
    return this.#signed.slice(Math.max(0, version - 1));
  }

  /** What the database has; true when it is news. */
  async refresh(): Promise<boolean> {
    const more = await this.#parts.repository.after(this.version);
    this.#signed = [...this.#signed, ...more];
    this.#last = read(this.#signed.at(-1) ?? null);
    return more.length > 0;
  }

  /** What the signer has and the database has not (an old backup, a crash in between). */
  async fetch(): Promise<void> {
    for (;;) {
      const signed = await this.#parts.signer.step(this.version + 1);
      const step = read(signed);
      if (signed === null || step === null) return;
      await this.#store(signed, step, 'system');
    }
  }

  /** A new key: at once where there are no owners who could approve it, else as a draft. */
  async rotate(overlapMs: number, caller: RotationCaller): Promise<RotationOutcome> {
    const { repository, signer, controllerId, transaction, audit, clock } = this.#parts;
    await this.refresh();
    const step = await signer.draftStep(controllerId, overlapMs);
    const { version, retireAt } = step;
    const bundle = this.#parts.bundle();
    if (bundle === null && step.bundle === 0) {
      await this.#store(await signer.signStep(step, []), step, caller.name);
      return { is: 'in-force', version, retireAt };
    }
    const hash = authorityStepHash(step);
    await transaction(async (tx) => {
      await repository.setDraft(tx, { step, hash, draftedBy: caller.name, draftedAt: clock.nowMs() });
      audit.record(tx, { code: 'A7004I', who: caller.name, address: caller.address, detail: { version, hash } });
    });
    return { is: 'waiting', version, needed: bundle?.quorum ?? 1 };
  }

  async options(caller: TrustCaller): Promise<object> {
    const { step, bundle } = await this.#needDraft();
    return requestOptions(bundle, caller.personId, authorityStepChallenge(step));
  }

  /** An owner's answer. With the last one that is needed the step is signed. */
  async approve(hash: string, answer: unknown, caller: TrustCaller): Promise<void> {
    const { approvals, transaction, audit, clock } = this.#parts;
    const draft = await this.#needDraft();
    if (draft.hash !== hash) throw new HaubanError('CONFLICT', 'There is another draft meanwhile: look at it first.');
    const { version } = draft.step;
    try {
      const assertion = this.#verify(draft, answer, caller);
      const isNew = await transaction(async (tx) => {
        const { personId: operator, name, address } = caller;
        const given = await approvals.give(tx, { subject: hash, operator, name, assertion, givenAt: clock.nowMs() });
        if (given) audit.record(tx, { code: 'A7005I', who: name, address, detail: { version, hash } });
        return given;
      });
      // Once more is of use when the signer was away at the last one that was needed.
      if (!(await this.#activate(draft, caller)) && !isNew)
        throw new HaubanError('APPROVAL_REPEATED', 'You have approved this draft already.');
    } catch (error) {
      await this.#refused(error, caller, version);
      throw error;
    }
  }

  async state(nodes: readonly { readonly authority: number }[]): Promise<TrustState['authority']> {
    const { repository, approvals } = this.#parts;
    const draft = await repository.draft();
    const given = draft === null ? [] : await approvals.given([draft.hash]);
    return {
      version: this.version,
      since: this.#last?.issuedAt ?? null,
      retireAt: this.#last?.retireAt ?? null,
      followed: nodes.filter(({ authority }) => authority >= this.version).length,
      nodes: nodes.length,
      draft:
        draft === null
          ? null
          : {
              hash: draft.hash,
              version: draft.step.version,
              retireAt: draft.step.retireAt,
              draftedBy: draft.draftedBy,
              draftedAt: draft.draftedAt,
              needed: this.#parts.bundle()?.quorum ?? 1,
              approvedBy: given.map(({ name }) => name),
            },
    };
  }

  async #needDraft(): Promise<StepDraftRecord & { readonly bundle: Bundle }> {
    await this.refresh();
    const draft = await this.#parts.repository.draft();
    const bundle = this.#parts.bundle();
    if (draft === null || bundle === null)
      throw new HaubanError('NOT_FOUND', 'There is no draft of a new authority key: hauban-controller makes one.');
    const isWhole = authorityStepHash(draft.step) === draft.hash;
    if (!isWhole || draft.step.version !== this.version + 1 || draft.step.bundle !== bundle.version)
      throw new HaubanError('AUTHORITY_STALE', 'The draft does not follow on what is in force: make a new one.');
    return { ...draft, bundle };
  }

  #verify(draft: StepDraftRecord & { readonly bundle: Bundle }, answer: unknown, caller: TrustCaller): Assertion {
    const assertion = parseAnswer(answer, caller.personId);
    const verified = verifyAssertion(assertion, authorityStepChallenge(draft.step), draft.bundle);
    if (!verified.ok) throw new HaubanError(verified.code, `The approval is not accepted: ${verified.detail}.`);
    if (!verified.operator.isOwner)
      throw new HaubanError('APPROVAL_OPERATOR', 'Only owners of the policy bundle approve a new authority key.');
    return assertion;
  }

  async #refused(error: unknown, caller: TrustCaller, version: number): Promise<void> {
    if (!(error instanceof HaubanError)) return;
    const detail = { version, code: error.code, says: error.detail };
    await this.#parts.audit.recordAlone({ code: 'A7007W', who: caller.name, address: caller.address, detail });
  }

  /** False: it needs more approvals. */
  async #activate(draft: StepDraftRecord & { readonly bundle: Bundle }, caller: TrustCaller): Promise<boolean> {
    const { approvals, signer } = this.#parts;
    const given = await approvals.given([draft.hash]);
    if (given.length < draft.bundle.quorum) return false;
    const assertions = assertionsOf(given);
    await this.#store(await signer.signStep(draft.step, assertions), draft.step, caller.name);
    return true;
  }

  async #store(signed: SignedStep, step: AuthorityStep, who: string): Promise<void> {
    const { repository, approvals, transaction, audit, clock } = this.#parts;
    const hash = authorityStepHash(step);
    const { version, retireAt } = step;
    await transaction(async (tx) => {
      if (await repository.add(tx, { version, signed, storedAt: clock.nowMs() })) {
        const approvedBy = signed.approvals.map(({ operator }) => operator);
        audit.record(tx, { code: 'A7006W', who, detail: { version, retireAt, hash, approvedBy } });
      }
      await repository.deleteDraft(tx, hash);
      await approvals.forget(tx, hash);
    });
    await this.refresh();
  }
}
