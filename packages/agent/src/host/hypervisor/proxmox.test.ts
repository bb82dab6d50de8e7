import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@hauban/shared/time';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProxmoxConfig } from './hypervisor-config.ts';
import { createProxmoxApi } from './proxmox-api.ts';
import { createProxmox } from './proxmox.ts';

/**
 * A server that answers as Proxmox VE 8 does: the shapes of https://pve.proxmox.com/pve-docs/api-viewer/ for
 * /nodes/{node}/qemu, …/status/{current,start,shutdown,stop}, …/snapshot and /nodes/{node}/tasks/{upid}/status.
 */
const TOKEN = 'hauban@pve!node=12345678-1234-1234-1234-123456789abc';
const upid = (what: string, node = 'pve1'): string =>
  `UPID:${node}:000A1B2C:01D2E3F4:65A0B1C2:${what}:101:hauban@pve!node:`;

interface Guest {
  vmid: number;
  name: unknown;
  status: string;
  pid?: number;
  snapshots: string[];
}
interface World {
  guests: Guest[];
  /** What the next task ends with, after so many looks at it. */
  exit: string;
  looks: number;
  /** Overrides the answer to paths that end so. */
  special: Map<string, (response: ServerResponse) => void>;
  asked: string[];
}

/** A minute at least passes when somebody waits. */
function createFastClock(): Clock {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs, callback) => {
      nowMs += Math.max(delayMs, 60_000);
      setImmediate(callback);
      return { cancel: () => undefined };
    },
    every: () => ({ cancel: () => undefined }),
  };
}

/** As Proxmox signs its own. */
function makeCertificate(): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-proxmox-'));
  try {
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
    execFileSync('/usr/bin/openssl', ['req', ...kind, '-subj', '/CN=pve1', '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const own = makeCertificate();
const world: World = { guests: [], exit: 'OK', looks: 0, special: new Map(), asked: [] };

const json = (response: ServerResponse, data: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' });
  response.end(JSON.stringify({ data }));
};

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function changePower(guest: Guest, verb: string, response: ServerResponse): void {
  if (world.exit === 'OK') {
    guest.status = verb === 'start' ? 'running' : 'stopped';
    if (verb === 'start') guest.pid = 4242;
    else delete guest.pid;
  }
  json(response, upid(`qm${verb}`));
}

async function answerSnapshots(
  guest: Guest,
  request: IncomingMessage,
  rest: string,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET') {
    const parent = guest.snapshots.at(-1);
    const rows = guest.snapshots.map((name) => ({ name, snaptime: 1_700_000_000, vmstate: 1, description: '' }));
    return json(response, [
      ...rows,
      { name: 'current', description: 'You are here!', ...(parent === undefined ? {} : { parent }) },
    ]);
  }
  if (request.method === 'DELETE') guest.snapshots = guest.snapshots.filter((name) => `/${name}` !== rest);
  else if (rest === '') guest.snapshots.push((await bodyOf(request)).get('snapname') ?? '');
  return json(response, upid('qmsnapshot'));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent((request.url ?? '').replace('/api2/json/nodes/pve1', ''));
  world.asked.push(`${request.method ?? ''} ${path}`);
  if (request.headers.authorization !== `PVEAPIToken=${TOKEN}`) return json(response, null, 401);
  const special = [...world.special].find(([end]) => path.endsWith(end));
  if (special !== undefined) return special[1](response);
  if (path === '/qemu')
    return json(
      response,
      world.guests.map(({ vmid, name, status }) => ({ vmid, name, status, cpus: 2, maxmem: 2 ** 31, uptime: 5 })),
    );
  const task = path.startsWith('/tasks/UPID:');
  if (task) {
    world.looks -= 1;
    return json(
      response,
      world.looks > 0 ? { status: 'running', upid: path } : { status: 'stopped', exitstatus: world.exit },
    );
  }
  const [, vmid, area, rest = ''] = /^\/qemu\/(\d+)\/(status|snapshot|migrate)(\/.*)?$/.exec(path) ?? [];
  const guest = world.guests.find((one) => String(one.vmid) === vmid);
  if (guest === undefined) return json(response, null, 500);
  if (area === 'snapshot') return answerSnapshots(guest, request, rest, response);
  if (area === 'migrate') return json(response, upid('qmigrate'));
  if (rest === '/current')
    return json(response, { ...guest, snapshots: undefined, qmpstatus: guest.status, cpus: 2, uptime: 5 });
  return changePower(guest, rest.slice(1), response);
}

describe('Proxmox VE by its API', () => {
  let server: Server;
  let config: ProxmoxConfig;
  beforeAll(async () => {
    server = createServer({ ...own }, (request, response) => void answer(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    config = {
      driver: 'proxmox',
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      node: 'pve1',
      hosts: [{ name: 'pve2', uri: '' }],
      bridges: [],
      templates: [],
      fingerprint: new X509Certificate(own.cert).fingerprint256,
    };
  });
  beforeEach(() => {
    world.guests = [
      { vmid: 101, name: 'web1', status: 'stopped', snapshots: [] },
      { vmid: 102, name: 'web2', status: 'running', pid: 77, snapshots: ['friday'] },
    ];
    Object.assign(world, { exit: 'OK', looks: 3, special: new Map(), asked: [] });
  });
  afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));

  const open = (more: Partial<ProxmoxConfig> = {}, token = TOKEN, timeoutMs?: number) =>
    createProxmox(createProxmoxApi({ ...config, ...more }, token, timeoutMs), config, createFastClock());

  it('lists guests, finds one by name, and knows its run', async () => {
    expect(await open().guests()).toEqual([
      { name: 'web1', identity: '101', state: 'off', cpus: 2, memoryMiB: 2048 },
      { name: 'web2', identity: '102', state: 'running', cpus: 2, memoryMiB: 2048 },
    ]);
    expect(await open().facts('web2')).toEqual({ name: 'web2', identity: '102', state: 'running', run: '77' });
    expect(await open().facts('web1')).toMatchObject({ state: 'off', run: '' });
    expect(await open().facts('web3')).toBeNull();
  });

  it('waits for the task of a start, of a cut', async () => {
    await open().start('101');
    expect(world.guests[0]).toMatchObject({ status: 'running' });
    expect(world.asked.filter((line) => line.startsWith('GET /tasks/'))).toHaveLength(3);
    await open().cut('101');
    expect(world.guests[0]).toMatchObject({ status: 'stopped' });
  });

  it('asks for a shutdown without waiting for the task: it waits for the guest', async () => {
    await open().askToShutDown('102');
    expect(world.asked).toEqual(['POST /qemu/102/status/shutdown']);
  });

  it('takes, lists, goes back to and removes snapshots', async () => {
    expect(await open().snapshots('101')).toEqual({ names: [], current: null });
    await open().takeSnapshot('101', 'monday');
    expect(await open().snapshots('101')).toEqual({ names: ['monday'], current: 'monday' });
    await open().revert('101', 'monday');
    expect(world.asked).toContain('POST /qemu/101/snapshot/monday/rollback');
    await open().removeSnapshot('101', 'monday');
    expect(await open().snapshots('101')).toEqual({ names: [], current: null });
  });

  it('moves a guest to a node that root has named, and to no other', async () => {
    await open().migrate('102', { to: 'pve2', isRunning: true, disks: 'shared' });
    expect(world.asked[0]).toBe('POST /qemu/102/migrate');
    for (const to of ['pve3', '../pve2', 'pve2/qemu', '']) {
      await expect(open().migrate('102', { to, isRunning: true, disks: 'shared' })).rejects.toMatchObject({
        code: 'ACTION_REFUSED',
      });
      await expect(open().isAt('102', to)).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
    }
    await expect(open().migrate('102', { to: 'pve2', isRunning: true, disks: 'copied' })).rejects.toMatchObject({
      code: 'ACTION_REFUSED',
    });
    expect(world.asked.filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });

  it('a task that fails is a failure, with its own words and without its escapes', async () => {
    world.exit = "start failed: \u001b[2J\u001b]0;owned\u0007 can't lock file\n<script>alert(1)</script>\u202e";
    await expect(open().start('101')).rejects.toMatchObject({
      code: 'ACTION_FAILED',
      detail: "Proxmox VE, start: start failed:  [2J ]0;owned  can't lock file <script>alert(1)</script>",
    });
  });

  it('a task that never ends is a failure', async () => {
    world.looks = Number.POSITIVE_INFINITY;
    await expect(open().start('101')).rejects.toMatchObject({
      detail: expect.stringContaining('has not come to an end'),
    });
  });

  const strange: readonly (readonly [string, string, (response: ServerResponse) => void])[] = [
    ['500', 'UNAVAILABLE', (response: ServerResponse) => json(response, null, 500)],
    ['595', 'UNAVAILABLE', (response: ServerResponse) => json(response, null, 595)],
    ['403', 'ACTION_FAILED', (response: ServerResponse) => json(response, null, 403)],
    [
      'a redirect',
      'ACTION_FAILED',
      (response: ServerResponse) => void response.writeHead(302, { location: 'https://evil.example/' }).end(),
    ],
    ['a page', 'UNAVAILABLE', (response: ServerResponse) => void response.end('<html>\u001b[2J')],
    ['nothing', 'UNAVAILABLE', (response: ServerResponse) => void response.end('null')],
    ['no data', 'UNAVAILABLE', (response: ServerResponse) => void response.end('{}')],
    ['a cut line', 'UNAVAILABLE', (response: ServerResponse) => void response.socket?.destroy()],
    ['too much', 'UNAVAILABLE', (response: ServerResponse) => void response.end('x'.repeat(5 * 1024 * 1024))],
  ];
  it.each(strange)('%s as an answer is said as what it is', async (_name, code, special) => {
    world.special.set('/qemu', special);
    const failure = await open()
      .guests()
      .catch((error: unknown) => error as { code: string; detail: string });
    expect(failure).toMatchObject({ code });
    expect(JSON.stringify(failure)).not.toContain('\\u001b');
  });

  it('an answer that does not come is given up', async () => {
    world.special.set('/qemu', () => undefined);
    await expect(open({}, TOKEN, 200).guests()).rejects.toMatchObject({
      detail: 'Proxmox VE: the answer took too long',
    });
  });

  it.each([
    null,
    '',
    'UPID:pve1:x',
    `${upid('qmstart')}/../../access`,
    upid('qmstart', 'pve2'),
    { a: 1 },
    'UPID:pve1:..:..:..:..:..:..:/',
  ])('a task number that is none is refused: %j', async (data) => {
    world.special.set('/status/start', (response) => json(response, data));
    await expect(open().start('101')).rejects.toMatchObject({ detail: expect.stringContaining('names no task') });
    expect(world.asked).toEqual(['POST /qemu/101/status/start']);
  });

  it('names with markup or escapes, rows that are none, and templates are not taken over', async () => {
    world.special.set('/qemu', (response) =>
      json(response, [
        { vmid: 101, name: '<img src=x onerror=alert(1)>', status: 'running' },
        { vmid: 102, name: '\u001b[2J--all', status: 'strange' },
        { vmid: 103, name: { a: 1 }, status: 'stopped', cpus: -1, maxmem: 'x' },
        { vmid: '../../access', name: 'evil', status: 'running' },
        { vmid: 104, name: 'template', status: 'stopped', template: 1 },
        ...[null, 5, 'x', []],
      ]),
    );
    expect(await open().guests()).toEqual([
      { name: 'guest-101', identity: '101', state: 'running' },
      { name: 'guest-102', identity: '102', state: 'other' },
      { name: 'guest-103', identity: '103', state: 'off' },
    ]);
  });

  it('two guests of one name are not guessed at', async () => {
    world.guests.push({ vmid: 103, name: 'web1', status: 'running', snapshots: [] });
    await expect(open().facts('web1')).rejects.toMatchObject({
      detail: expect.stringContaining('2 guests are called web1'),
    });
  });

  it.each(['101/../102', '../101', '', '--all', '1e3', '0101'])(
    'a forged identity is refused: %j',
    async (identity) => {
      for (const work of [
        open().start(identity),
        open().cut(identity),
        open().snapshots(identity),
        open().askToShutDown(identity),
      ])
        await expect(work).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
      expect(world.asked).toEqual([]);
    },
  );

  it.each(['../x', 'a/b', 'x', 'a?b', ''])('a snapshot that is a path is refused: %j', async (name) => {
    for (const work of [
      open().takeSnapshot('101', name),
      open().removeSnapshot('101', name),
      open().revert('101', name),
    ])
      await expect(work).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
    expect(world.asked).toEqual([]);
  });

  it('a certificate that is not the one that root named gets no token; control: without the pin it would', async () => {
    const fingerprint = new X509Certificate(makeCertificate().cert).fingerprint256;
    await expect(open({ fingerprint }).guests()).rejects.toMatchObject({
      ...{ code: 'UNAVAILABLE', detail: expect.stringContaining('is not the one in /etc/hosting/hypervisor.toml') },
    });
    expect(world.asked).toEqual([]);
    expect(await open().guests()).toHaveLength(2);
    expect(world.asked).toEqual(['GET /qemu']);
  });

  it('a token that is refused, and a server that is not there, are said', async () => {
    await expect(open({}, TOKEN.replace('9abc', '0000')).guests()).rejects.toMatchObject({ code: 'ACTION_FAILED' });
    await expect(open({ port: 1 }).guests()).rejects.toMatchObject({ detail: expect.stringContaining('ECONNREFUSED') });
  });
});
