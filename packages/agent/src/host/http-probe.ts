import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { HttpProbe, ProbeResult } from '@hauban/shared/actions';

const BODY_LIMIT_BYTES = 64 * 1024;

function headersOf(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return headers;
}

/** One GET to 127.0.0.1 with that Host header (and SNI), no connection kept; a failure is a value. */
export function probeHttp(probe: HttpProbe, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const options = {
      host: '127.0.0.1',
      port: probe.port,
      path: probe.path,
      method: 'GET',
      agent: false,
      headers: { host: probe.host, 'user-agent': 'hauban', connection: 'close' },
      // Judging the certificate is not this probe's business; the site answers or it does not.
      ...(probe.secure === true ? { servername: probe.host, rejectUnauthorized: false } : {}),
    } as const;
    const request = probe.secure === true ? requestSecure(options) : requestPlain(options);
    const fail = (problem: string): void => {
      clearTimeout(timer);
      request.destroy();
      resolve({ ok: false, problem });
    };
    const timer = setTimeout(() => fail(`no answer on port ${probe.port} within ${timeoutMs} ms`), timeoutMs);
    request.once('error', (error: NodeJS.ErrnoException) =>
      fail(`no answer on port ${probe.port} (${error.code ?? error.message})`),
    );
    request.once('response', (message) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      const finish = (): void => {
        clearTimeout(timer);
        const body = Buffer.concat(chunks).subarray(0, BODY_LIMIT_BYTES).toString('utf8');
        resolve({ ok: true, status: message.statusCode ?? 0, headers: headersOf(message), body });
        request.destroy();
      };
      message.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        sizeBytes += chunk.length;
        if (sizeBytes >= BODY_LIMIT_BYTES) finish();
      });
      message.once('end', finish);
      message.once('error', (error) => fail(`the answer broke off (${error.message})`));
    });
    request.end();
  });
}
