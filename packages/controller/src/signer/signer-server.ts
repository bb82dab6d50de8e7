import { createServer, type Server, type Socket } from 'node:net';
import { acceptPeers, createLocalConnection, type LocalConnection } from '@hauban/link';
import type { ActionDefinition } from '@hauban/shared/actions';
import { LOCAL_KINDS, ORDER_TYPE } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import type { AllowedStep } from './allowed-step.ts';
import type { AuthorityRing } from './authority-ring.ts';
import type { BundleStore } from './bundle-store.ts';
import { checkApproversHere, type Leavers } from './leavers.ts';
import { signNextBundle } from './sign-bundle.ts';
import { signAllowedLinkStep } from './sign-link-step.ts';
import { draftStep, signNextStep } from './sign-step.ts';
import { createRateLimit, judgeOrder, limitsOf } from './sign-rules.ts';
import { parseQuestion, type SignerAnswer, type SignerQuestion } from './signer-messages.ts';

export interface SignerParts {
  readonly ring: AuthorityRing;
  readonly store: BundleStore;
  readonly leavers: Leavers;
  readonly allowed: AllowedStep;
  readonly actions: ReadonlyMap<string, ActionDefinition>;
  /** User ids that may ask. */
  readonly callers: readonly number[];
  readonly clock: Clock;
  readonly log: Log;
}

type Question<T extends SignerQuestion['t']> = Extract<SignerQuestion, { t: T }>;

/** Answers questions by the signer's own rules. */
function createAnswers({ ring, store, leavers, allowed, actions, clock, log }: SignerParts) {
  const rates = { atOnce: createRateLimit(), queued: createRateLimit() };

  const refused = (n: number, code: string, detail: string, what: string): SignerAnswer => {
    log.warn({ code, detail }, what);
    return { t: 'refused', n, code, detail: detail.slice(0, 500) };
  };

  const sign = async ({ n, order: value, isQueued, place }: Question<'sign'>): Promise<SignerAnswer> => {
    const no = (code: string, detail: string): SignerAnswer => refused(n, code, detail, 'an order was not signed');
    const bundle = store.current;
    const limits = limitsOf(bundle);
    const judged = judgeOrder(value, { nowMs: clock.nowMs(), limits, bundle, leavers, actions, isQueued, place });
    if (!judged.ok) return no(judged.code, judged.detail);
    const rate = isQueued ? rates.queued : rates.atOnce;
    if (!rate.take(clock.monotonicMs(), limits)) return no('RATE_LIMITED', 'The signer signs no more orders just now.');
    const { id, aud, kind, requester, approvals } = judged.order;
    const nowMs = clock.nowMs();
    ring.removeRetired(nowMs);
    const jws = await ring.orderKey(nowMs).sign(judged.order, { typ: ORDER_TYPE });
    // The signer's own record of what its key was used for, before the order can be used.
    const approvedBy = approvals.map(({ operator }) => operator);
    log.info({ order: id, node: aud, kind, requester: requester.id, approvedBy }, 'signed');
    return { t: 'signed', n, jws };
  };

  const signBundle = async ({ n, bundle, approvals }: Question<'sign-bundle'>): Promise<SignerAnswer> => {
    const answer = checkApproversHere(approvals, leavers) ?? (await signNextBundle(bundle, approvals, { ring, store }));
    if (!answer.ok) return refused(n, answer.code, answer.detail, 'a policy bundle was not signed');
    if (store.current !== null) leavers.keepTo(store.current);
    const approvedBy = answer.signed.approvals.map(({ operator }) => operator);
    log.info({ version: store.current?.version, approvedBy }, 'a policy bundle was signed');
    return { t: 'bundle', n, signed: answer.signed };
  };

  const signStep = async ({ n, step, approvals }: Question<'sign-step'>): Promise<SignerAnswer> => {
    const answer =
      checkApproversHere(approvals, leavers) ??
      (await signNextStep(step, approvals, { ring, store, nowMs: clock.nowMs() }));
    if (!answer.ok) return refused(n, answer.code, answer.detail, 'a new authority key was not signed for');
    const approvedBy = answer.signed.approvals.map(({ operator }) => operator);
    log.warn({ version: ring.chain.steps.length + 1, approvedBy }, 'the authority key was replaced');
    return { t: 'step', n, signed: answer.signed };
  };

  const leave = ({ n, operator }: Question<'leave'>): SignerAnswer => {
    const no = leavers.add(operator, store.current);
    if (no !== null) return refused(n, no.code, no.detail, 'an operator was not marked as having left');
    log.warn({ operator }, 'an operator has left: nothing is signed for them any more');
    return { t: 'left', n };
  };

  const signLinkStep = async ({ n, step }: Question<'sign-link-step'>): Promise<SignerAnswer> => {
    const answer = await signAllowedLinkStep(step, { ring, store, allowed, nowMs: clock.nowMs() });
    if (!answer.ok) return refused(n, answer.code, answer.detail, 'a new link key was not signed for');
    const { version, next } = answer.step;
    log.warn({ version, linkKey: next }, 'a new link key of the controller was signed for');
    return { t: 'signed', n, jws: answer.jws };
  };

  return async (question: SignerQuestion): Promise<SignerAnswer> => {
    const { n } = question;
    switch (question.t) {
      case 'keys':
        return { t: 'keys', n, keys: [...ring.chain.root], steps: ring.steps.slice(-50) };
      case 'sign':
        return await sign(question);
      case 'sign-bundle':
        return await signBundle(question);
      case 'draft-step':
        return { t: 'step-draft', n, step: draftStep(question, { ring, store, nowMs: clock.nowMs() }) };
      case 'sign-step':
        return await signStep(question);
      case 'leave':
        return leave(question);
      case 'sign-link-step':
        return await signLinkStep(question);
      case 'step':
        return { t: 'step', n, signed: ring.steps[question.version - 2] ?? null };
      case 'bundle':
        return { t: 'bundle', n, signed: store.find(question.version ?? store.current?.version ?? 0) };
    }
  };
}

/** A server (not yet listening) that signs what its own rules allow, for the users who may ask. */
export function createSignerServer(parts: SignerParts): Server {
  const { callers, log } = parts;
  const answer = createAnswers(parts);
  const serve = (socket: Socket): void => {
    const connection: LocalConnection = createLocalConnection(socket, {
      frame: ({ kind, body }) => {
        const parsed = kind === LOCAL_KINDS.json ? parseQuestion(Buffer.from(body).toString('utf8')) : null;
        if (parsed === null || !parsed.ok) {
          log.warn(
            { problem: parsed?.problem ?? 'not JSON' },
            'a question was not well-formed; the connection is closed',
          );
          connection.destroy();
          return;
        }
        answer(parsed.value).then(
          (reply) => connection.sendJson(reply),
          (error: unknown) => {
            log.error({ err: error }, 'signing failed');
            connection.destroy();
          },
        );
      },
      ended: (problem) => {
        if (problem !== null) log.warn({ problem }, 'a connection ended out of order');
      },
    });
    socket.resume();
  };
  const server = createServer({ pauseOnConnect: true });
  acceptPeers(server, {
    allowed: callers,
    accepted: serve,
    refused: (uid, problem) => log.warn({ uid, problem }, 'a connection to the signer was refused'),
  });
  return server;
}
