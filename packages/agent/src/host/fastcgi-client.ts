import { connect } from 'node:net';
import { HaubanError } from '@hauban/shared/errors';

/** One request to a FastCGI responder over a Unix socket (FastCGI specification 1.0). The answer is hostile: capped, timed. */
export interface FastCgiReply {
  /** From the Status header; 200 when there is none. */
  readonly status: number;
  readonly body: string;
}

const TYPE = { begin: 1, end: 3, params: 4, stdin: 5, stdout: 6 } as const;
const RESPONDER = 1;
const HEADER_BYTES = 8;
const ANSWER_LIMIT_BYTES = 256 * 1024;

function record(type: number, content: Buffer): Buffer {
  const header = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]);
  return Buffer.concat([header, content]);
}

const lengthOf = (bytes: Buffer): Buffer => {
  if (bytes.length < 128) return Buffer.from([bytes.length]);
  const long = Buffer.alloc(4);
  long.writeUInt32BE((bytes.length | 0x8000_0000) >>> 0);
  return long;
};

function pair(name: string, value: string): Buffer {
  const [key, data] = [Buffer.from(name), Buffer.from(value)];
  return Buffer.concat([lengthOf(key), lengthOf(data), key, data]);
}

/** Bytes of a whole request without a body. */
export function encodeFastCgiRequest(params: Readonly<Record<string, string>>): Buffer {
  const pairs = Buffer.concat(Object.entries(params).map(([name, value]) => pair(name, value)));
  return Buffer.concat([
    record(TYPE.begin, Buffer.from([0, RESPONDER, 0, 0, 0, 0, 0, 0])),
    record(TYPE.params, pairs),
    record(TYPE.params, Buffer.alloc(0)),
    record(TYPE.stdin, Buffer.alloc(0)),
  ]);
}

/** Standard output of the answer, once its end record is there; null as long as it is not complete. */
export function decodeFastCgiAnswer(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const type = bytes.readUInt8(at + 1);
    const length = bytes.readUInt16BE(at + 4);
    const next = at + HEADER_BYTES + length + bytes.readUInt8(at + 6);
    if (next > bytes.length) return null;
    if (type === TYPE.end) return Buffer.concat(parts);
    if (type === TYPE.stdout) parts.push(bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length));
    at = next;
  }
  return null;
}

export function parseCgiOutput(output: string): FastCgiReply {
  const split = /\r?\n\r?\n/.exec(output);
  const head = split === null ? output : output.slice(0, split.index);
  const status = /^Status:\s*(\d{3})/im.exec(head)?.[1];
  return {
    status: status === undefined ? 200 : Number(status),
    body: split === null ? '' : output.slice(split.index + split[0].length),
  };
}

/** Rejects with UNAVAILABLE when nothing answers in time. */
export function requestFastCgi(
  socketPath: string,
  params: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<FastCgiReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let received = Buffer.alloc(0);
    const fail = (problem: string, cause?: unknown): void => {
      socket.destroy();
      reject(new HaubanError('UNAVAILABLE', `${socketPath} ${problem}`, cause === undefined ? {} : { cause }));
    };
    const timer = setTimeout(() => fail(`did not answer within ${timeoutMs} ms`), timeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      // Does nothing when the answer was complete.
      reject(new HaubanError('UNAVAILABLE', `${socketPath} closed before the answer was complete`));
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      fail(`does not answer (${error.code ?? error.message})`, error),
    );
    socket.once('connect', () => socket.write(encodeFastCgiRequest(params)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = decodeFastCgiAnswer(received);
      if (answer !== null) {
        resolve(parseCgiOutput(answer.toString('utf8')));
        socket.destroy();
      } else if (received.length > ANSWER_LIMIT_BYTES) fail('answered more than is read');
    });
  });
}
