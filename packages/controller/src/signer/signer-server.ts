import { createServer, type Server, type Socket } from 'node:net';
import { createLocalConnection, keyThumbprint, signOrder, type KeyPair, type LocalConnection } from '@hauban/link';
import { LOCAL_KINDS } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import type { Log } from '../runtime/index.ts';
import { createRateLimit, judgeOrder, type SignLimits } from './sign-rules.ts';
import { parseQuestion, type SignerAnswer, type SignerQuestion } from './signer-messages.ts';

export interface SignerParts {
  readonly key: KeyPair;
  readonly limits: SignLimits;
  readonly clock: Clock;
  readonly log: Log;
}

/** A server (not yet listening) that signs what its own rules allow. Whoever may connect to the socket may ask. */
export function createSignerServer({ key, limits, clock, log }: SignerParts): Server {
  const kid = keyThumbprint(key.publicText);
  if (kid === null) throw new TypeError('an Ed25519 key has 32 bytes');
  const rate = createRateLimit(limits);

  const sign = async (question: Extract<SignerQuestion, { t: 'sign' }>): Promise<SignerAnswer> => {
    const refused = (code: string, detail: string): SignerAnswer => {
      log.warn({ code, detail }, 'an order was not signed');
      return { t: 'refused', n: question.n, code, detail };
    };
    const judged = judgeOrder(question.order, clock.nowMs(), limits);
    if (!judged.ok) return refused(judged.code, judged.detail);
    if (!rate.take(clock.monotonicMs())) return refused('RATE_LIMITED', 'The signer signs no more orders just now.');
    const { id, aud, kind, requester } = judged.order;
    const jws = await signOrder(judged.order, key, kid);
    // The signer's own record of what its key was used for, before the order can be used.
    log.info({ order: id, node: aud, kind, requester: requester.id }, 'signed');
    return { t: 'signed', n: question.n, jws };
  };

  const answer = async (question: SignerQuestion): Promise<SignerAnswer> =>
    question.t === 'keys' ? { t: 'keys', n: question.n, keys: [{ kid, key: key.publicText }] } : await sign(question);

  return createServer((socket: Socket) => {
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
  });
}
