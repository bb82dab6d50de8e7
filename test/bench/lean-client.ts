import { Agent, request } from 'node:http';
import type { RestClient } from '../support/first-account.ts';

/** A program with one kept connection: so little of its own that the figure is the server's. */
export function createLeanClient({ url, token }: Pick<RestClient, 'url' | 'token'>): {
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  close(): void;
} {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
  const { hostname, port } = new URL(url);
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
    await new Promise((resolve, reject) => {
      const payload = body === undefined ? '' : JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': payload.length }),
      };
      const sent = request({ agent, hostname, port, method, path, headers }, (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (part: string) => (text += part));
        reply.once('end', () => {
          if (reply.statusCode === 200) resolve(JSON.parse(text) as T);
          else reject(new Error(`${method} ${path}: ${String(reply.statusCode)} ${text}`));
        });
      });
      sent.once('error', reject);
      sent.end(payload);
    });
  return { call, close: () => agent.destroy() };
}
