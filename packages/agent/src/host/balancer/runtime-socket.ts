import { connect } from 'node:net';
import { HaubanError } from '@hauban/shared/errors';
import { errorCode } from '../safe-path.ts';

/** Where Debian's configuration has it; root's only. */
const SOCKET = '/run/haproxy/admin.sock';
const WITHIN_MS = 10_000;
const MOST_BYTES = 16 * 1024 * 1024;

/** Everything that can end a command or begin another one. */
// eslint-disable-next-line no-control-regex -- control characters are what is refused here
const UNSAFE = /[;\\\u0000-\u001f\u007f<]/;

/** One command on HAProxy's runtime API, and its answer. PROGRAM_MISSING when no HAProxy listens. */
export function askRuntime(command: string): Promise<string> {
  if (UNSAFE.test(command)) throw new HaubanError('ACTION_REFUSED', 'that is not one command of HAProxy');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect(SOCKET);
    const fail = (code: 'PROGRAM_MISSING' | 'PROGRAM_FAILED' | 'PROGRAM_TIMEOUT', why: string): void => {
      socket.destroy();
      reject(new HaubanError(code, why));
    };
    socket.setTimeout(WITHIN_MS, () => fail('PROGRAM_TIMEOUT', `HAProxy did not answer within ${WITHIN_MS / 1000} s`));
    socket.once('error', (error) => {
      const isAbsent = ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '');
      if (isAbsent)
        fail('PROGRAM_MISSING', `no HAProxy listens on ${SOCKET}: start it, with 'stats socket ${SOCKET} level admin'`);
      else fail('PROGRAM_FAILED', `HAProxy's socket ${SOCKET}: ${error.message}`);
    });
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_BYTES) fail('PROGRAM_FAILED', 'HAProxy answers without an end');
      else chunks.push(chunk);
    });
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
    socket.end(`${command}\n`);
  });
}
