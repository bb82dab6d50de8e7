import { request } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { HaubanError } from '@hauban/shared/errors';
import type { ProxmoxConfig } from './hypervisor-config.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Form = Readonly<Record<string, string>>;
export type Replied =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** Proxmox VE's REST API, as https://pve.proxmox.com/pve-docs/api-viewer/ documents it; version 8. */
export interface ProxmoxApi {
  /** The `data` of the answer. UNAVAILABLE when the server can not be asked, ACTION_FAILED when it refuses. */
  call(method: Method, path: string, form?: Form): Promise<unknown>;
  /** The same, where a refusal is expected: `status` is that of the answer. UNAVAILABLE when there is none. */
  ask(method: Method, path: string, form?: Form): Promise<Replied>;
}

const ANSWER_LIMIT_BYTES = 4 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 20_000;

/** What somebody else wrote, as one short line: no escapes of a terminal, no line of a log of its own. */
export const plainText = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]+/gu, ' ')
    .trim()
    .slice(0, 200);

const unavailable = (detail: string, cause?: unknown): HaubanError =>
  new HaubanError('UNAVAILABLE', `Proxmox VE: ${detail}`, cause === undefined ? {} : { cause });

/** The one certificate that root has named; there is nothing sent before it is seen. */
function openPinned({ host, port, fingerprint }: ProxmoxConfig): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // A server of Proxmox signs its own certificate: not its chain is judged but the certificate itself, below.
    const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    const give = (error: HaubanError): void => {
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => give(unavailable(`${host}:${port} does not answer`)), DEFAULT_TIMEOUT_MS);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      give(unavailable(`${host}:${port} can not be reached (${error.code ?? 'unknown'})`, error));
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      if (socket.getPeerX509Certificate()?.fingerprint256 === fingerprint) resolve(socket);
      else give(unavailable(`the certificate of ${host}:${port} is not the one in /etc/hosting/hypervisor.toml`));
    });
  });
}

interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly text: string;
}

function ask(
  socket: TLSSocket,
  options: { readonly method: string; readonly path: string; readonly headers: Readonly<Record<string, string>> },
  body: string,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Without an agent `createConnection` counts: the socket whose certificate was judged.
    const asked = request({ ...options, createConnection: () => socket });
    const timer = setTimeout(() => asked.destroy(unavailable('the answer took too long')), timeoutMs);
    asked.once('error', (error) => {
      clearTimeout(timer);
      reject(error instanceof HaubanError ? error : unavailable('the connection was cut', error));
    });
    asked.once('response', (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes > ANSWER_LIMIT_BYTES) asked.destroy(unavailable('the answer is too long'));
        else chunks.push(chunk);
      });
      response.once('end', () => {
        clearTimeout(timer);
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, reason: response.statusMessage ?? '', text });
      });
    });
    asked.end(body);
  });
}

function dataOf({ status, reason, text }: Answer, path: string): unknown {
  if (status >= 500) throw unavailable(`${path}: ${status} ${plainText(reason)}`);
  if (status !== 200)
    throw new HaubanError('ACTION_FAILED', `Proxmox VE refuses ${path}: ${status} ${plainText(reason)}`);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw unavailable(`${path}: the answer is no JSON`, error);
  }
  if (typeof answer !== 'object' || answer === null || !('data' in answer))
    throw unavailable(`${path}: the answer has no data`);
  return answer.data;
}

/** @param timeoutMs for an answer, its connection apart */
export function createProxmoxApi(config: ProxmoxConfig, token: string, timeoutMs = DEFAULT_TIMEOUT_MS): ProxmoxApi {
  const answerTo = async (method: Method, path: string, form?: Form): Promise<Answer> => {
    const body = form === undefined ? '' : new URLSearchParams(form).toString();
    const headers = {
      authorization: `PVEAPIToken=${token}`,
      host: `${config.host}:${config.port}`,
      connection: 'close',
      ...(form === undefined
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) }),
    };
    const socket = await openPinned(config);
    try {
      return await ask(socket, { method, path: `/api2/json${path}`, headers }, body, timeoutMs);
    } finally {
      socket.destroy();
    }
  };
  return {
    call: async (method, path, form) => dataOf(await answerTo(method, path, form), path),
    async ask(method, path, form) {
      const answer = await answerTo(method, path, form);
      if (answer.status === 200) return { ok: true, data: dataOf(answer, path) };
      return { ok: false, status: answer.status, reason: plainText(answer.reason) };
    },
  };
}
