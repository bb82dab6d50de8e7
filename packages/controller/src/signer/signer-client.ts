import { connect } from 'node:net';
import { createLocalConnection, type LocalConnection } from '@hauban/link';
import { HaubanError, isErrorCode } from '@hauban/shared/errors';
import {
  LOCAL_KINDS,
  type Assertion,
  type AuthorityStep,
  type Bundle,
  type ControllerMessage,
  type LinkStep,
  type Order,
  type SignedBundle,
  type SignedStep,
} from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import { parseAnswer, type NodePlace, type SignerAnswer, type SignerQuestion } from './signer-messages.ts';

/** The first key of this authority, and the steps to the one in force. */
export type AuthorityKeys = Pick<Extract<ControllerMessage, { t: 'enrolled' }>, 'authorityKeys' | 'authoritySteps'>;

/** `queued`: the order may wait for its node, and needs the longer life. */
type OrderLife = 'at-once' | 'queued';

export interface SignerClient {
  /** Compact JWS of the order; `place`: of its node, where roles go by labels. UNAVAILABLE while the signer does not answer; its own code when it refuses. */
  sign(order: Order, life?: OrderLife, place?: NodePlace | null): Promise<string>;
  /** Signs and keeps the next policy bundle; its own code when it refuses. */
  signBundle(bundle: Bundle, approvals: readonly Assertion[]): Promise<SignedBundle>;
  /** The policy bundle as the signer keeps it: a version, or the newest. Null when there is none. */
  bundle(version: number | null): Promise<SignedBundle | null>;
  /** The step to the next authority key as it would be signed now; retires the old one after `overlapMs`. */
  draftStep(controller: string, overlapMs: number): Promise<AuthorityStep>;
  /** Signs and keeps that step; its own code when it refuses. */
  signStep(step: AuthorityStep, approvals: readonly Assertion[]): Promise<SignedStep>;
  /** The step that led to this version of the authority key; null when there was none. */
  step(version: number): Promise<SignedStep | null>;
  /** Nothing is signed for this operator any more; its own code when it refuses. */
  leave(operator: string): Promise<void>;
  /** Signs for that link key, which root has allowed; its own code when it refuses. */
  signLinkStep(step: LinkStep): Promise<string>;
  /** What nodes pin. */
  keys(): Promise<AuthorityKeys>;
  close(): void;
}

type WithoutNumber<T> = T extends SignerQuestion ? Omit<T, 'n'> : never;

interface Waiting {
  readonly resolve: (answer: SignerAnswer) => void;
  readonly reject: (error: HaubanError) => void;
  readonly timer: Timer;
}

const ANSWER_WITHIN_MS = 5_000;
const unavailable = (why: string): HaubanError =>
  new HaubanError('UNAVAILABLE', `The signer does not answer (${why}); orders cannot be signed until it is back.`);

function needSigned<T>(signed: T | null): T {
  if (signed === null) throw unavailable('it gave an answer to another question');
  return signed;
}

/** Asks over one connection, which is opened when needed and again after it was lost. A question is never repeated by itself. */
export function createSignerClient(socketPath: string, clock: Clock): SignerClient {
  const waiting = new Map<number, Waiting>();
  let connection: LocalConnection | null = null;
  let isClosed = false;
  let next = 0;

  const settle = (n: number): Waiting | undefined => {
    const entry = waiting.get(n);
    waiting.delete(n);
    entry?.timer.cancel();
    return entry;
  };

  const failAll = (why: string): void => {
    for (const n of waiting.keys()) settle(n)?.reject(unavailable(why));
  };

  const open = (): LocalConnection => {
    const opened = createLocalConnection(connect(socketPath), {
      frame: ({ kind, body }) => {
        const parsed = kind === LOCAL_KINDS.json ? parseAnswer(Buffer.from(body).toString('utf8')) : null;
        if (parsed?.ok === true) settle(parsed.value.n)?.resolve(parsed.value);
        else opened.destroy();
      },
      ended: (problem) => {
        if (connection === opened) connection = null;
        failAll(problem ?? 'it closed the connection');
      },
    });
    return opened;
  };

  const ask = async (question: WithoutNumber<SignerQuestion>): Promise<SignerAnswer> => {
    if (isClosed) throw unavailable('the controller is stopping');
    connection ??= open();
    const n = next;
    next += 1;
    return await new Promise((resolve, reject) => {
      const timer = clock.after(ANSWER_WITHIN_MS, () =>
        settle(n)?.reject(unavailable(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)),
      );
      waiting.set(n, { resolve, reject, timer });
      const message = { ...question, n };
      if (connection?.sendJson(message) === 'closed') settle(n)?.reject(unavailable('the connection was lost'));
    });
  };

  /** The answer of that kind; a refusal is thrown with the signer's own code. */
  const need = async <T extends SignerAnswer['t']>(
    t: T,
    question: WithoutNumber<SignerQuestion>,
  ): Promise<Extract<SignerAnswer, { t: T }>> => {
    const answer = await ask(question);
    if (answer.t === t) return answer as Extract<SignerAnswer, { t: T }>;
    if (answer.t === 'refused')
      throw new HaubanError(isErrorCode(answer.code) ? answer.code : 'INTERNAL', answer.detail);
    throw unavailable('it gave an answer to another question');
  };

  return {
    sign: async (order, life = 'at-once', place = null) =>
      (await need('signed', { t: 'sign', order, isQueued: life === 'queued', place })).jws,
    signBundle: async (bundle, approvals) =>
      needSigned((await need('bundle', { t: 'sign-bundle', bundle, approvals: [...approvals] })).signed),
    bundle: async (version) => (await need('bundle', { t: 'bundle', version })).signed,
    draftStep: async (controller, overlapMs) =>
      (await need('step-draft', { t: 'draft-step', controller, overlapMs })).step,
    signStep: async (step, approvals) =>
      needSigned((await need('step', { t: 'sign-step', step, approvals: [...approvals] })).signed),
    step: async (version) => (await need('step', { t: 'step', version })).signed,
    leave: async (operator) => void (await need('left', { t: 'leave', operator })),
    signLinkStep: async (step) => (await need('signed', { t: 'sign-link-step', step })).jws,
    keys: async () => {
      const { keys, steps } = await need('keys', { t: 'keys' });
      return { authorityKeys: keys, authoritySteps: steps };
    },
    close: () => {
      isClosed = true;
      connection?.end();
      failAll('the controller is stopping');
    },
  };
}
