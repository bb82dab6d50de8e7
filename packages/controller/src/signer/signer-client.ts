import { connect } from 'node:net';
import { createLocalConnection, type LocalConnection } from '@hauban/link';
import { HaubanError, isErrorCode } from '@hauban/shared/errors';
import { LOCAL_KINDS, type ControllerMessage, type Order } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import { parseAnswer, type SignerAnswer, type SignerQuestion } from './signer-messages.ts';

export type AuthorityKeys = Extract<ControllerMessage, { t: 'enrolled' }>['authorityKeys'];

export interface SignerClient {
  /** Compact JWS of the order. UNAVAILABLE while the signer does not answer; its own code when it refuses. */
  sign(order: Order): Promise<string>;
  /** Public keys that nodes pin; asked once and kept. */
  keys(): Promise<AuthorityKeys>;
  close(): void;
}

interface Waiting {
  readonly resolve: (answer: SignerAnswer) => void;
  readonly reject: (error: HaubanError) => void;
  readonly timer: Timer;
}

const ANSWER_WITHIN_MS = 5_000;
const unavailable = (why: string): HaubanError =>
  new HaubanError('UNAVAILABLE', `The signer does not answer (${why}); orders cannot be signed until it is back.`);

/** Asks over one connection, which is opened when needed and again after it was lost. A question is never repeated by itself. */
export function createSignerClient(socketPath: string, clock: Clock): SignerClient {
  const waiting = new Map<number, Waiting>();
  let connection: LocalConnection | null = null;
  let isClosed = false;
  let next = 0;
  let known: AuthorityKeys | null = null;

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

  const ask = async (question: { t: 'keys' } | { t: 'sign'; order: Order }): Promise<SignerAnswer> => {
    if (isClosed) throw unavailable('the controller is stopping');
    connection ??= open();
    const n = next;
    next += 1;
    return await new Promise((resolve, reject) => {
      const timer = clock.after(ANSWER_WITHIN_MS, () =>
        settle(n)?.reject(unavailable(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)),
      );
      waiting.set(n, { resolve, reject, timer });
      const message: SignerQuestion = { ...question, n };
      if (connection?.sendJson(message) === 'closed') settle(n)?.reject(unavailable('the connection was lost'));
    });
  };

  return {
    sign: async (order) => {
      const answer = await ask({ t: 'sign', order });
      if (answer.t === 'signed') return answer.jws;
      if (answer.t === 'refused')
        throw new HaubanError(isErrorCode(answer.code) ? answer.code : 'INTERNAL', answer.detail);
      throw unavailable('it gave an answer to another question');
    },
    keys: async () => {
      if (known !== null) return known;
      const answer = await ask({ t: 'keys' });
      if (answer.t !== 'keys') throw unavailable('it gave an answer to another question');
      known = answer.keys;
      return known;
    },
    close: () => {
      isClosed = true;
      connection?.end();
      failAll('the controller is stopping');
    },
  };
}
