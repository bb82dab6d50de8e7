/**
 * One attempt to hand something to a receiver. Its name is asked for once, every address is judged, and the connection goes to
 * that very address: a name that means something else a moment later gains nothing. Redirects are not followed, proxies
 * of the environment are not asked, and whatever the receiver does, it costs one socket for ten seconds.
 */
import { Agent, request, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { HaubanError } from '@hauban/shared/errors';
import type { Clock } from '@hauban/shared/time';
import { hostOf, portOf, type ReceiverJudge } from './receiver-address.ts';
import type { ResolveName } from './resolve-name.ts';

export interface Outgoing {
  readonly url: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Number of attempts before: another address of the name is taken each time. */
  readonly attempt: number;
}

/** `status`: what the receiver answered, if it did. */
export type SendOutcome =
  | { readonly ok: true; readonly status: number }
  | { readonly ok: false; readonly status: number | null; readonly says: string };

export type SendWebhook = (outgoing: Outgoing) => Promise<SendOutcome>;

/** From the name to the end of the answer. */
const DEADLINE_MS = 10_000;
/** Nobody reads an answer: this much is taken so that the connection ends well, and no more. */
const MOST_ANSWER_BYTES = 4_096;
const MOST_HEADER_BYTES = 16_384;

const failed = (says: string, status: number | null = null): SendOutcome => ({ ok: false, status, says });
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';

interface SendParts {
  readonly judge: ReceiverJudge;
  readonly resolve: ResolveName;
  /** PEM; null: none besides those that everybody believes. */
  readonly ca: string | null;
  readonly clock: Clock;
}

/** The address to connect to, or why there is none. One that may not be reached spoils the name: somebody plays tricks. */
async function chooseAddress(
  { judge, resolve }: SendParts,
  host: string,
  attempt: number,
): Promise<{ readonly address: string } | { readonly says: string }> {
  let addresses: readonly string[] = [host];
  if (isIP(host) === 0)
    try {
      addresses = await resolve(host);
    } catch (error) {
      return { says: `The name ${host} has no address (${codeOf(error)}).` };
    }
  for (const address of addresses) {
    const problem = judge.problemOf(address);
    if (problem !== null) return { says: `${host} is at ${address}, where no webhook is sent (${problem}).` };
  }
  const address = addresses[attempt % addresses.length];
  return address === undefined ? { says: `The name ${host} has no address.` } : { address };
}

function says(error: unknown, host: string): string {
  const code = codeOf(error);
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|ALTNAME/.test(code))
    return `The certificate of ${host} is not believed (${code}).`;
  return `${host} cannot be reached (${code}).`;
}

const outcomeOf = (status: number): SendOutcome => {
  if (status >= 200 && status < 300) return { ok: true, status };
  if (status >= 300 && status < 400)
    return failed(`Answered ${status}: redirects are not followed; give the address that it leads to.`, status);
  return failed(`Answered ${status}.`, status);
};

/** Ends when the answer has, or is long enough; never throws. */
function exchange(options: RequestOptions, body: Uint8Array, host: string, clock: Clock): Promise<SendOutcome> {
  return new Promise((resolve) => {
    const sent = request(options);
    const end = (outcome: SendOutcome): void => {
      deadline.cancel();
      sent.destroy();
      resolve(outcome);
    };
    const deadline = clock.after(DEADLINE_MS, () => end(failed(`No whole answer within ${DEADLINE_MS / 1000} s.`)));
    sent.on('error', (error) => end(failed(says(error, host))));
    sent.on('response', (answer) => {
      const outcome = outcomeOf(answer.statusCode ?? 0);
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        // It has answered; how much it has to say about it is its own affair.
        if (bytes > MOST_ANSWER_BYTES) end(outcome);
      });
      answer.on('end', () => end(outcome));
      answer.on('error', (error) => end(failed(says(error, host))));
    });
    sent.end(body);
  });
}

function checkAgain(judge: ReceiverJudge, text: string): URL | { readonly says: string } {
  try {
    return judge.checkUrl(text);
  } catch (error) {
    if (error instanceof HaubanError) return { says: error.detail };
    throw error;
  }
}

export function createSendWebhook(parts: SendParts): SendWebhook {
  const { judge, ca, clock } = parts;
  return async ({ url: text, body, headers, attempt }) => {
    // What the configuration allows may have changed since it was made.
    const url = checkAgain(judge, text);
    if ('says' in url) return failed(url.says);
    const host = hostOf(url);
    const chosen = await chooseAddress(parts, host, attempt);
    if ('says' in chosen) return failed(chosen.says);
    // One of its own: the global agent may be told of a proxy by the environment.
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 0 });
    return exchange(
      {
        agent,
        method: 'POST',
        host: chosen.address,
        port: portOf(url),
        path: `${url.pathname}${url.search}`,
        // The certificate has to be of the name, though the connection goes to an address.
        servername: isIP(host) === 0 ? host : '',
        headers: { ...headers, host: url.host, 'content-length': String(body.length), connection: 'close' },
        rejectUnauthorized: true,
        maxHeaderSize: MOST_HEADER_BYTES,
        ...(ca === null ? {} : { ca: [...rootCertificates, ca] }),
      },
      body,
      host,
      clock,
    );
  };
}
