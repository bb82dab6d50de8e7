import { createConnection } from 'node:net';
import type { Clock } from '@hauban/shared/time';
import { BUS_ANSWER, decodeBusAnswer, encodeBusCall, uint32OfVariant } from './bus-message.ts';

/** Where the message bus of a systemd machine listens. */
export const SYSTEM_BUS_PATH = '/run/dbus/system_bus_socket';

/** Asks systemd how many units failed; undefined when there is no systemd, no bus, or no answer within the deadline. */
export type FailedUnitsQuery = () => Promise<number | undefined>;

const DEADLINE_MS = 5000;
const MAX_PENDING_BYTES = 65_536;

const HELLO = encodeBusCall({
  serial: 1,
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
  args: [],
});

const GET_FAILED = encodeBusCall({
  serial: 2,
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.DBus.Properties',
  member: 'Get',
  args: ['org.freedesktop.systemd1.Manager', 'NFailedUnits'],
});

/**
 * One short conversation: authenticate as `uid`, say Hello, read the property, hang up. Every user may read it, and it
 * needs no program: `systemctl --failed` would be a process a minute.
 */
export function createFailedUnitsQuery(path: string, uid: number, clock: Clock): FailedUnitsQuery {
  return () =>
    new Promise((resolve) => {
      const socket = createConnection({ path });
      const done = (value: number | undefined): void => {
        timer.cancel();
        socket.destroy();
        resolve(value);
      };
      const timer = clock.after(DEADLINE_MS, () => done(undefined));
      const talk = createConversation(done);
      socket.on('error', () => done(undefined));
      socket.on('close', () => done(undefined));
      socket.on('data', (bytes) => {
        const reply = talk(bytes);
        if (reply !== undefined) socket.write(reply);
      });
      socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid), 'latin1').toString('hex')}\r\n`, 'latin1');
    });
}

/** State: `auth` until the bus says OK, then answers are counted: the first is to Hello, the second is ours. */
function createConversation(done: (value: number | undefined) => void): (bytes: Buffer) => Buffer | undefined {
  let pending: Buffer = Buffer.alloc(0);
  let state: 'auth' | 'hello' | 'asked' = 'auth';

  const takeAuth = (): Buffer | undefined => {
    const lineEnd = pending.indexOf('\r\n');
    if (lineEnd < 0) return undefined;
    const isOk = pending.toString('latin1', 0, 3) === 'OK ';
    pending = pending.subarray(lineEnd + 2);
    if (!isOk) {
      done(undefined);
      return undefined;
    }
    state = 'hello';
    return Buffer.concat([Buffer.from('BEGIN\r\n', 'latin1'), HELLO, GET_FAILED]);
  };

  const takeAnswers = (): void => {
    for (;;) {
      const answer = decodeBusAnswer(pending);
      if (answer === 'more') return;
      if (answer === 'garbage' || answer.type === BUS_ANSWER.error) return done(undefined);
      pending = pending.subarray(answer.length);
      if (answer.type !== BUS_ANSWER.return) continue;
      if (state === 'asked') return done(uint32OfVariant(answer.body));
      state = 'asked';
    }
  };

  return (bytes) => {
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    if (pending.length > MAX_PENDING_BYTES) done(undefined);
    else if (state === 'auth') return takeAuth();
    else takeAnswers();
    return undefined;
  };
}
