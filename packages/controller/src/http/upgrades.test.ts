import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HaubanError } from '@hauban/shared/errors';
import { FakeClock, SeededRandom } from '@hauban/shared/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.ts';
import { builtInGrant } from '../authorization/index.ts';
import type { Log } from '../runtime/index.ts';
import type { Caller } from './caller.ts';
import { createSocketTickets, type SocketTickets } from './socket-tickets.ts';
import { createUpgrades, type Upgrades } from './upgrades.ts';

const RECHECK_MS = 30_000;
const ORIGIN = 'http://localhost';
const caller: Caller = {
  personId: 'p1',
  name: 'olga',
  role: 'operator',
  grant: builtInGrant('operator'),
  via: 'page',
  credential: { kind: 'session', id: 's1' },
};

let server: Server;
let clock: FakeClock;
let tickets: SocketTickets;
let upgrades: Upgrades;
/** What the database says of the sign-in, or that it does not answer. */
let signIn: 'valid' | 'ended' | 'away';
let closed: number[];
let warnings: string[];

beforeEach(async () => {
  clock = new FakeClock(0);
  tickets = createSocketTickets(clock, new SeededRandom(1));
  [signIn, closed, warnings] = ['valid', [], []];
  const warn = (_fields: object, message: string): void => void warnings.push(message);
  const log: Log = { debug: warn, info: warn, warn, error: warn };
  const isValid = async (): Promise<boolean> => {
    if (signIn === 'away') throw new HaubanError('DATABASE', 'the database does not answer');
    return signIn === 'valid';
  };
  upgrades = createUpgrades({
    routes: [
      {
        path: '/watch',
        access: 'operator',
        needs: { right: 'attach', on: 'session' },
        accept: ({ socket }) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
          return { close: (code) => void (closed.push(code), socket.destroy()) };
        },
      },
    ],
    origins: new Set([ORIGIN]),
    cookieName: 'c',
    authenticator: { bySession: async () => null, byToken: async () => null, isValid },
    tickets,
    clock,
    log,
  });
  server = createServer();
  upgrades.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  upgrades.close();
  await new Promise((resolve) => server.close(resolve));
});

/** The status of the answer. @param path as it is sent, whether or not it is one */
const dial = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const headers = { connection: 'Upgrade', upgrade: 'websocket', origin: ORIGIN };
    const asked = request({ host: '127.0.0.1', port, path, headers });
    const answered = (answer: IncomingMessage): void => resolve(answer.statusCode ?? 0);
    asked.once('response', answered).once('upgrade', answered).once('error', reject).end();
  });

it('a socket stays while the database is away, which is logged, and ends with its sign-in afterwards', async () => {
  expect(await dial(`/watch?ticket=${tickets.issue(caller)}`)).toBe(101);
  signIn = 'away';
  clock.advance(RECHECK_MS);
  await waitFor('the warning', () => warnings.includes('open sockets could not be rechecked'));
  expect(closed).toEqual([]);
  signIn = 'ended';
  clock.advance(RECHECK_MS);
  await waitFor('the close', () => closed.length > 0);
  expect(closed).toEqual([4401]);
});

it('nobody is let in while the database is away, and it is logged', async () => {
  signIn = 'away';
  expect(await dial(`/watch?ticket=${tickets.issue(caller)}`)).toBe(503);
  expect(warnings).toEqual(['a WebSocket upgrade could not be decided']);
});

it.each(['//', '//watch', '///watch?ticket=x', 'http://[/watch', '/watch/..', '/WATCH', '/watch/', '/%77atch'])(
  'a path that only looks like one is not found, and fills no log: %s',
  async (path) => {
    expect(await dial(path)).toBe(404);
    expect(warnings).toEqual([]);
  },
);
