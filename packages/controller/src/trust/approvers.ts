import { approvalChallenge, verifyAssertion } from '@hauban/link';
import type { ApprovalAnswer } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import { UUID_PATTERN, type Assertion, type Bundle } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import { mayDoAll, usesOf, type Grant, type Target } from '../authorization/index.ts';
import type { RequestRecord } from './approvals.repository.ts';
import type { TrustCaller } from './trust-caller.ts';
import { parseAnswer } from './webauthn-answer.ts';

/** Who looks and answers: of nodes, those that this caller may read; null: all. */
export interface Approver extends TrustCaller {
  readonly readable: ((nodeIds: readonly string[]) => Promise<ReadonlySet<string>>) | null;
  /** What the caller may do now. */
  readonly grant: Grant;
  /** Signed in to the page; an API token is not. */
  readonly isSession: boolean;
}

export interface ApproverParts {
  /** The policy bundle in force. */
  readonly current: () => Bundle | null;
  /** The passkeys of people as they are registered, in the shape of a bundle; null: passkeys do not work here. */
  readonly registered: () => Promise<Bundle | null>;
  /** SIGN_IN_REFUSED unless this is the caller's password now, with the code of the second factor where there is one. */
  readonly prove: (proof: { readonly password: string; readonly code?: string }, caller: TrustCaller) => Promise<void>;
  /** Nodes with the labels and roles that they have now. */
  readonly targetsOf: (nodeIds: readonly string[]) => Promise<readonly Target[]>;
  /** What a person may do by the role of now; null: they have left. */
  readonly rightsOf: (personId: string) => Promise<Grant | null>;
  readonly clock: Clock;
}

/** By what a caller approves: `none` has neither a passkey that counts nor may use the password. */
export type Way = 'passkey' | 'password' | 'none';

const PERSON = new RegExp(UUID_PATTERN);
const noSuch = (): HaubanError => new HaubanError('NOT_FOUND', 'There is no such request for approval.');

/** Rule APPROVE5: the nodes and the signer look at the same. A role that wants another person wants it always. */
export const isOwnRequest = (request: RequestRecord, personId: string, bundle: Bundle | null): boolean =>
  request.requesterId === personId && (request.byAnother || bundle?.requesterMayApprove === false);

function checkNotOwn(request: RequestRecord, { personId }: TrustCaller, bundle: Bundle | null): void {
  if (isOwnRequest(request, personId, bundle))
    throw new HaubanError(
      'APPROVAL_SELF',
      request.byAnother
        ? 'You have asked for this: your role wants somebody else to approve it.'
        : 'You have asked for this: the policy bundle wants somebody else to approve it.',
    );
}

const hasKey = (keys: Bundle | null, personId: string): boolean =>
  keys?.operators.some(({ id, credentials }) => id === personId && credentials.length > 0) === true;

/** Who may approve what waits, and how they prove that it is them. */
export function createApprovers(parts: ApproverParts) {
  const { current, registered, prove, targetsOf, rightsOf, clock } = parts;

  const usesOfRequest = async ({ statement }: RequestRecord) =>
    usesOf(statement.what, await targetsOf(statement.targets), clock.nowMs());

  /** Where a role wants another person, that one may do it too: the second pair of eyes has the same right. */
  const mayDo = async (request: RequestRecord, { grant }: Approver): Promise<boolean> =>
    !request.byAnother || mayDoAll(grant, await usesOfRequest(request), 'not-asked');

  /** Passkeys that count: the bundle's, as nodes and signer know no others; before there is one, those of the accounts. */
  const keysFor = async ({ byAnother }: RequestRecord): Promise<Bundle | null> => {
    const bundle = current();
    if (bundle === null && !byAnother) throw noSuch();
    return bundle ?? (await registered());
  };

  const wayOf = async (request: RequestRecord, { personId, isSession }: Approver): Promise<Way> => {
    if (hasKey(await keysFor(request), personId)) return 'passkey';
    return current() === null && isSession ? 'password' : 'none';
  };

  const byPasskey = (request: RequestRecord, answer: unknown, caller: Approver, keys: Bundle): Assertion => {
    const assertion = parseAnswer(answer, caller.personId);
    const verified = verifyAssertion(assertion, approvalChallenge(request.statement), keys);
    if (!verified.ok) throw new HaubanError(verified.code, `The approval is not accepted: ${verified.detail}.`);
    return assertion;
  };

  const byPassword = async (answer: ApprovalAnswer, caller: Approver): Promise<null> => {
    const { password, code } = answer;
    if (!caller.isSession)
      throw new HaubanError('FORBIDDEN', 'This needs a person signed in to the page; an API token is not enough.');
    if (password === undefined) throw new HaubanError('BAD_REQUEST', 'Approve it with your password.');
    await prove({ password, ...(code === undefined ? {} : { code }) }, caller);
    return null;
  };

  return {
    keysFor,
    wayOf,
    mayDo,
    /** The proof that this very person approves this very request; null: proven, and nothing of it is kept. */
    proofOf: async (request: RequestRecord, answer: ApprovalAnswer, caller: Approver): Promise<Assertion | null> => {
      const keys = await keysFor(request);
      checkNotOwn(request, caller, current());
      if (!(await mayDo(request, caller)))
        throw new HaubanError('APPROVAL_OPERATOR', 'You may not do this yourself, so you cannot approve it.');
      const isByKey = current() !== null || hasKey(keys, caller.personId);
      return isByKey && keys !== null
        ? byPasskey(request, answer.passkey, caller, keys)
        : await byPassword(answer, caller);
    },
    /** May who asked still do it, now that these people approve? */
    mayRequester: async (request: RequestRecord, approvedBy: readonly string[]): Promise<boolean> => {
      // The system is no person: nothing that it asks for waits for people.
      if (!PERSON.test(request.requesterId)) return false;
      const grant = await rightsOf(request.requesterId);
      return grant !== null && mayDoAll(grant, await usesOfRequest(request), approvedBy);
    },
  };
}

export type Approvers = ReturnType<typeof createApprovers>;
