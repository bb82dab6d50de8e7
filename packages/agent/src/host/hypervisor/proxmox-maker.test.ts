import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ACTIONS,
  applyChanges,
  parseActionArguments,
  revertChanges,
  type Change,
  type Host,
  type Planned,
} from '@hauban/shared/actions';
import { createFakeHost } from '@hauban/shared/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DriverParts } from '../drivers.ts';
import { createHypervisorDrivers } from './hypervisor-drivers.ts';

/**
 * A server that keeps guests as Proxmox VE 8 does: the shapes of https://pve.proxmox.com/pve-docs/api-viewer/ for
 * /cluster/nextid and of /nodes/{node}/qemu/{vmid}: clone, config, resize, status/current and DELETE. A copy is locked
 * and has no name and no notes until its task ends.
 */
type Config = Record<string, string | number>;
interface Guest {
  config: Config;
  status: string;
}
interface World {
  guests: Map<number, Guest>;
  /** Ends the copy that is under way after so many requests. */
  copy: { readonly vmid: number; readonly config: Config; left: number } | null;
  copyTakes: number;
  exit: string;
  /** Somebody else takes the number just before a copy does, so often. */
  rivals: number;
  /** The connection is cut at that request, before or after it was carried out. */
  cut: { nth: number; readonly when: 'before' | 'after' } | null;
  asked: string[];
}

const TOKEN = 'hauban@pve!node=12345678-1234-1234-1234-123456789abc';
const TEMPLATE: Config = {
  ...{ name: 'debian-template', template: 1, boot: 'order=ide2;scsi0', ide2: 'none,media=cdrom' },
  ...{ scsi0: 'local-lvm:base-9000-disk-0,size=3584M', memory: '1024', cores: 1, net0: 'virtio=AA:BB:CC:DD:EE:FF' },
};
const OTHER: Config = { name: 'shop', description: 'of a customer\n', memory: 512 };
const world: World = {
  ...{ guests: new Map(), copy: null, copyTakes: 3, exit: 'OK', rivals: 0, cut: null, asked: [] },
};

const snapshotOf = (): string =>
  JSON.stringify([...world.guests].toSorted(([a], [b]) => a - b).map(([vmid, guest]) => [vmid, guest]));

function send(response: ServerResponse, data: unknown, status = 200): void {
  response.writeHead(status, status === 200 ? 'OK' : 'no', { 'content-type': 'application/json' });
  response.end(JSON.stringify({ data }));
}
const upid = (what: string): string => `UPID:pve1:000A1B2C:01D2E3F4:65A0B1C2:${what}:101:hauban@pve!node:`;

async function formOf(request: IncomingMessage): Promise<Record<string, string>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
}

function stepCopy(): void {
  if (world.copy === null) return;
  world.copy.left -= 1;
  if (world.copy.left > 0) return;
  const { vmid, config } = world.copy;
  if (world.exit === 'OK') world.guests.set(vmid, { config, status: 'stopped' });
  else world.guests.delete(vmid);
  world.copy = null;
}

function startCopy(source: Guest, form: Record<string, string>): [unknown, number?] {
  const vmid = Number(form['newid']);
  if (world.rivals > 0) {
    world.rivals -= 1;
    world.guests.set(vmid, { config: { ...OTHER, name: `rival${world.rivals}` }, status: 'stopped' });
  }
  if (world.guests.has(vmid)) return [null, 500];
  world.guests.set(vmid, { config: { lock: 'clone' }, status: 'stopped' });
  const { template: _, ...rest } = source.config;
  const disk = `${form['storage'] ?? 'local-lvm'}:vm-${vmid}-disk-0,size=3584M`;
  world.copy = {
    ...{ vmid, left: world.copyTakes },
    config: { ...rest, name: form['name'] ?? '', description: `${form['description'] ?? ''}\n`, scsi0: disk },
  };
  return [upid('qmclone')];
}

function setConfig(guest: Guest, form: Record<string, string>): [unknown, number?] {
  const { delete: gone = '', digest, ...rest } = form;
  if (digest !== undefined && digest !== 'd1') return [null, 500];
  for (const key of gone.split(',').filter((one) => one !== '')) delete guest.config[key];
  Object.assign(
    guest.config,
    rest,
    rest['description'] === undefined ? {} : { description: `${rest['description']}\n` },
  );
  return [null];
}

function carryOut(method: string, path: string, form: Record<string, string>): [unknown, number?] {
  if (path.startsWith('/cluster/nextid')) {
    const asked = Number(/vmid=(\d+)/.exec(path)?.[1] ?? 0);
    if (asked > 0) return world.guests.has(asked) ? [null, 400] : [String(asked)];
    let free = 100;
    while (world.guests.has(free)) free += 1;
    return [String(free)];
  }
  if (path.startsWith('/nodes/pve1/tasks/'))
    return [world.copy === null ? { status: 'stopped', exitstatus: world.exit } : { status: 'running' }];
  if (path === '/nodes/pve1/qemu')
    return [
      [...world.guests].map(([vmid, { config, status }]) => ({
        ...{ vmid, status, name: config['name'] ?? `VM ${vmid}` },
        ...(config['template'] === 1 ? { template: 1 } : {}),
      })),
    ];
  const [, vmid = '', rest = ''] = /^\/nodes\/pve1\/qemu\/(\d+)(.*)$/.exec(path) ?? [];
  const guest = world.guests.get(Number(vmid));
  if (guest === undefined) return [null, 500];
  if (method === 'DELETE' && rest === '?purge=1') {
    if (guest.config['protection'] === '1' || guest.status !== 'stopped') return [null, 500];
    world.guests.delete(Number(vmid));
    return [upid('qmdestroy')];
  }
  if (method === 'POST' && rest === '/clone') return startCopy(guest, form);
  if (method === 'GET' && rest === '/config') return [{ ...guest.config, digest: 'd1' }];
  if (method === 'PUT' && rest === '/config') return setConfig(guest, form);
  if (method === 'GET' && rest === '/status/current') return [{ status: guest.status, qmpstatus: guest.status }];
  if (method === 'GET' && rest === '/snapshot') return [[{ name: 'current' }]];
  if (method !== 'PUT' || rest !== '/resize') return [null, 501];
  const key = form['disk'] ?? '';
  guest.config[key] = String(guest.config[key]).replace(/size=\w+/, `size=${form['size'] ?? ''}`);
  return [upid('resize')];
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent((request.url ?? '').replace('/api2/json', ''));
  const form = await formOf(request);
  if (request.headers.authorization !== `PVEAPIToken=${TOKEN}`) return send(response, null, 401);
  stepCopy();
  world.asked.push(`${request.method ?? ''} ${path}`);
  const isCut = world.cut !== null && world.asked.length === world.cut.nth;
  if (isCut && world.cut?.when === 'before') return void request.socket.destroy();
  const [data, status] = carryOut(request.method ?? '', path, form);
  if (isCut) return void request.socket.destroy();
  return send(response, data, status);
}

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

const CREATE = {
  ...{ guest: 'web7', template: 'debian12', cpus: 2, memoryMiB: 2048, diskGiB: 10, bridge: 'vmbr0' },
  ...{ description: 'Customer 7', sshKeys: [`ssh-ed25519 ${'A'.repeat(68)} laptop`] },
};

describe('guests that are made on Proxmox VE', () => {
  let server: Server;
  let host: Host;
  let configText = '';
  const own = makeCertificate();
  beforeAll(async () => {
    server = createServer({ ...own }, (request, response) => void answer(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    configText = [
      ...['driver = "proxmox"', `url = "https://127.0.0.1:${(server.address() as AddressInfo).port}"`, 'node = "pve1"'],
      ...[`fingerprint = "${new X509Certificate(own.cert).fingerprint256}"`, 'bridges = ["vmbr0"]'],
      ...['[[templates]]', 'name = "debian12"', 'vmid = 9000', 'storage = "fast"', 'pool = "hosting"'],
      ...['[[templates]]', 'name = "shop"', 'vmid = 101', '[[templates]]', 'name = "gone"', 'vmid = 9001'],
    ].join('\n');
  });
  afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));

  beforeEach(() => {
    Object.assign(world, { copy: null, copyTakes: 3, exit: 'OK', rivals: 0, cut: null, asked: [] });
    world.guests = new Map([
      [101, { config: { ...OTHER }, status: 'running' }],
      [9000, { config: { ...TEMPLATE }, status: 'stopped' }],
    ]);
    const fake = createFakeHost();
    const root = { uid: 0, gid: 0 };
    for (const path of ['/etc', '/etc/hosting', '/state'])
      fake.world.files.set(path, { type: 'directory', mode: 0o755, ...root });
    const file = (path: string, mode: number, content: string): void =>
      void fake.world.files.set(path, { type: 'file', mode, content, ...root });
    file('/etc/hosting/hypervisor.toml', 0o644, configText);
    file('/etc/hosting/hypervisor.token', 0o600, TOKEN);
    file('/etc/machine-id', 0o444, '0123456789abcdef0123456789abcdef\n');
    let nowMs = 0;
    const clock: DriverParts['clock'] = {
      nowMs: () => nowMs,
      monotonicMs: () => nowMs,
      after: (delayMs, callback) => {
        nowMs += Math.max(delayMs, 60_000);
        setImmediate(callback);
        return { cancel: () => undefined };
      },
      every: () => ({ cancel: () => undefined }),
    };
    const drivers = createHypervisorDrivers({ clock, files: fake.files, stateDirectory: '/state' } as DriverParts);
    const { resources, tasks, queries } = drivers as unknown as {
      resources: Record<string, { read: (id: string) => unknown; write: (id: string, value: unknown) => unknown }>;
      tasks: Record<string, (args: unknown) => unknown>;
      queries: Record<string, (args: unknown) => unknown>;
    };
    host = {
      ...fake,
      resources: {
        read: (name: string, id: string) => resources[name]?.read(id),
        write: (name: string, id: string, value: unknown) => resources[name]?.write(id, value),
      },
      tasks: { run: (name: string, args: unknown) => tasks[name]?.(args) },
      queries: { ask: (name: string, args: unknown) => queries[name]?.(args) },
    } as unknown as Host;
  });

  const plan = async (name: string, args: object): Promise<Planned> => {
    const parsed = parseActionArguments(ACTIONS.get(name)!, args);
    if (!parsed.ok) throw new Error(parsed.problem);
    return ACTIONS.get(name)!.plan(host, parsed.args);
  };
  const changesOf = async (name: string, args: object): Promise<readonly Change[]> => {
    const planned = await plan(name, args);
    if (!planned.ok) throw new Error(planned.detail);
    return planned.changes;
  };
  const verified = async (name: string, args: object): Promise<boolean> =>
    (await ACTIONS.get(name)!.verify(host, args, [])).every(({ ok }) => ok);
  const changing = (): readonly string[] => world.asked.filter((line) => !line.startsWith('GET '));
  const configOf = (vmid: number): Config => world.guests.get(vmid)?.config ?? {};
  const noteLeft = async (): Promise<string> => (await host.files.state('/state/guest-copy-web7')).type;

  it('guest.create copies the template, as planned, once', async () => {
    const before = snapshotOf();
    const changes = await changesOf('guest.create', CREATE);
    expect(changing()).toEqual([]);
    expect(snapshotOf()).toBe(before);
    await applyChanges(host, changes);
    expect(changing()).toEqual([
      ...['POST /nodes/pve1/qemu/9000/clone', 'PUT /nodes/pve1/qemu/100/resize', 'PUT /nodes/pve1/qemu/100/config'],
    ]);
    expect(configOf(100)).toMatchObject({
      ...{ name: 'web7', cores: '2', memory: '2048', scsi0: 'fast:vm-100-disk-0,size=10G' },
      ...{ net0: expect.stringMatching(/^virtio=52:54:00:[0-9a-f:]{8},bridge=vmbr0$/) },
      ...{ description: expect.stringMatching(/^Customer 7\n\nhauban-guest [0-9a-f-]{36} debian12\n$/) },
      ...{ sshkeys: expect.stringMatching(/^ssh-ed25519%20A{68}%20laptop$/) },
    });
    expect(await noteLeft()).toBe('absent');
    expect(await verified('guest.create', CREATE)).toBe(true);
    expect(await changesOf('guest.create', CREATE)).toEqual([]);
    expect(await plan('guest.create', { ...CREATE, cpus: 4 })).toMatchObject({
      detail: expect.stringContaining('another definition'),
    });
  });

  it('undo puts a whole guest into the trash and removes nothing', async () => {
    const changes = await changesOf('guest.create', CREATE);
    await applyChanges(host, changes);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(configOf(100)).toMatchObject({ name: 'deleted-100-web7', tags: 'hauban-deleted', protection: '1' });
    expect(changing().some((line) => line.startsWith('DELETE'))).toBe(false);
    expect(await changesOf('guest.create', CREATE)).toHaveLength(2);
  });

  it('a guest that was started since is not undone', async () => {
    const changes = await changesOf('guest.create', CREATE);
    await applyChanges(host, changes);
    world.guests.get(100)!.status = 'running';
    expect(await revertChanges(host, changes)).toMatchObject([{ code: 'CHANGE_CONFLICT' }]);
    expect(configOf(100)['name']).toBe('web7');
  });

  it('cut off at each request, before and after it was carried out, an unfinished copy is removed', async () => {
    const changes = await changesOf('guest.create', CREATE);
    const before = snapshotOf();
    world.asked = [];
    await applyChanges(host, changes);
    const requests = world.asked.length;
    expect(requests).toBeGreaterThan(10);
    for (let nth = 1; nth <= requests; nth += 1)
      for (const when of ['before', 'after'] as const) {
        world.guests.delete(100);
        Object.assign(world, { copy: null, asked: [], cut: { nth, when } });
        await host.files.removeFile('/state/guest-copy-web7');
        const end = await applyChanges(host, changes).then(
          () => 'done',
          (error: { code: string }) => error.code,
        );
        expect(end, `${nth} ${when}`).toBe('UNAVAILABLE');
        world.cut = null;
        expect(await revertChanges(host, changes), `${nth} ${when}`).toEqual([]);
        if (world.guests.has(100)) expect(configOf(100)['name'], `${nth} ${when}`).toBe('deleted-100-web7');
        world.guests.delete(100);
        expect(snapshotOf(), `${nth} ${when}`).toBe(before);
        expect(await noteLeft()).toBe('absent');
      }
  });

  it('a number that is taken in between goes to who took it, and the next is asked for', async () => {
    world.rivals = 2;
    const changes = await changesOf('guest.create', CREATE);
    await applyChanges(host, changes);
    expect([configOf(100)['name'], configOf(102)['name'], configOf(103)['name']]).toEqual(['rival1', 'rival0', 'web7']);
    expect(await revertChanges(host, changes)).toEqual([]);
    expect([configOf(100)['name'], configOf(102)['name']]).toEqual(['rival1', 'rival0']);
  });

  it('numbers that are always taken end it, and nothing of others is removed', async () => {
    world.rivals = 99;
    const changes = await changesOf('guest.create', CREATE);
    await expect(applyChanges(host, changes)).rejects.toMatchObject({ code: 'ACTION_FAILED' });
    const after = snapshotOf();
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(snapshotOf()).toBe(after);
    expect(changing().filter((line) => line.startsWith('DELETE'))).toEqual([]);
  });

  it('a copy that fails is said in its own words, and nothing is left', async () => {
    const before = snapshotOf();
    const changes = await changesOf('guest.create', CREATE);
    world.exit = 'clone failed: \u001b[2Jno space left';
    await expect(applyChanges(host, changes)).rejects.toMatchObject({
      ...{ code: 'ACTION_FAILED', detail: 'Proxmox VE, copying a template: clone failed:  [2Jno space left' },
    });
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(snapshotOf()).toBe(before);
  });

  it.each([
    ['has no notes', {}],
    ['has notes of a copy of somebody else', { description: 'hauban-making 00000000-0000-4000-8000-000000000000\n' }],
    ['only quotes our notes', { description: 'see hauban-making\n' }],
  ])('a guest that got the number of an unfinished copy and %s stays', async (_, more) => {
    const changes = await changesOf('guest.create', CREATE);
    world.guests.set(100, { config: { ...OTHER, ...more }, status: 'stopped' });
    await host.files.writeFile('/state/guest-copy-web7', '100', { mode: 0o600, uid: 0, gid: 0 });
    const before = snapshotOf();
    expect(await revertChanges(host, changes)).toEqual([]);
    expect(snapshotOf()).toBe(before);
  });

  it('a lock that does not end is said, and nothing is removed', async () => {
    const changes = await changesOf('guest.create', CREATE);
    world.guests.set(100, { config: { lock: 'clone' }, status: 'stopped' });
    await host.files.writeFile('/state/guest-copy-web7', '100', { mode: 0o600, uid: 0, gid: 0 });
    expect(await revertChanges(host, changes)).toMatchObject([
      { code: 'ACTION_UNDO_FAILED', detail: expect.stringContaining('guest 100') },
    ]);
    expect(world.guests.has(100)).toBe(true);
  });

  it.each([
    ['a template that root has not named', { template: 'debian11' }, /there is no template debian11/],
    ['a guest that is no template', { template: 'shop' }, /is no template on Proxmox VE/],
    ['a template that is gone', { template: 'gone' }, /500/],
    ['a bridge that root has not named', { bridge: 'vmbr1' }, /is not one that/],
    ['a disk smaller than that of the template', { diskGiB: 3 }, /has 4 GiB/],
    ['a name that is taken', { guest: 'shop' }, /there is a guest shop already/],
  ])('guest.create with %s is refused', async (_, args, why) => {
    const refusal = await plan('guest.create', { ...CREATE, ...args }).then(
      (planned) => (planned.ok ? 'planned' : planned.detail),
      (error: { detail: string }) => error.detail,
    );
    expect(refusal).toMatch(why);
    expect(changing()).toEqual([]);
  });

  describe('guest.delete', () => {
    const web1: Config = { ...OTHER, name: 'web1', onboot: 1, tags: 'gold;shop' };
    beforeEach(() => void world.guests.set(104, { config: { ...web1 }, status: 'stopped' }));

    it('keeps it under another name, protected; twice is once; undo brings back what it had', async () => {
      const before = snapshotOf();
      const changes = await changesOf('guest.delete', { guest: 'web1' });
      await applyChanges(host, changes);
      expect(configOf(104)).toEqual({
        ...web1,
        ...{ name: 'deleted-104-web1', onboot: '0', protection: '1' },
        tags: 'gold;shop;hauban-deleted;hauban-was-onboot',
      });
      expect(await verified('guest.delete', { guest: 'web1' })).toBe(true);
      expect(await changesOf('guest.delete', { guest: 'web1' })).toEqual([]);
      expect(await revertChanges(host, changes)).toEqual([]);
      expect(snapshotOf().replace('"onboot":"1"', '"onboot":1')).toBe(before);
      expect(changing().some((line) => line.startsWith('DELETE'))).toBe(false);
    });

    it('of one that runs is refused, also when it was started since the plan', async () => {
      const changes = await changesOf('guest.delete', { guest: 'web1' });
      world.guests.get(104)!.status = 'running';
      expect(await plan('guest.delete', { guest: 'web1' })).toMatchObject({ ok: false });
      await expect(applyChanges(host, changes)).rejects.toMatchObject({ code: 'CHANGE_CONFLICT' });
      expect(configOf(104)).toEqual(web1);
    });

    it('with an earlier one of that name in the trash is refused', async () => {
      await applyChanges(host, await changesOf('guest.delete', { guest: 'web1' }));
      world.guests.set(105, { config: { name: 'web1' }, status: 'stopped' });
      await expect(applyChanges(host, await changesOf('guest.delete', { guest: 'web1' }))).rejects.toMatchObject({
        detail: expect.stringContaining('deleted-104-web1'),
      });
      expect(configOf(105)).toEqual({ name: 'web1' });
    });

    it('of another guest that has got the name meanwhile is refused', async () => {
      const changes = await changesOf('guest.delete', { guest: 'web1' });
      world.guests.delete(104);
      world.guests.set(106, { config: { name: 'web1' }, status: 'stopped' });
      await expect(applyChanges(host, changes)).rejects.toMatchObject({ code: 'CHANGE_CONFLICT' });
      expect(configOf(106)).toEqual({ name: 'web1' });
    });

    it('a name that only looks as if it lay in the trash is nobody’s', async () => {
      world.guests.set(107, { config: { name: 'deleted-107-web2' }, status: 'stopped' });
      world.guests.set(108, { config: { name: 'deleted-9-web2', tags: 'hauban-deleted' }, status: 'stopped' });
      expect(await host.resources.read('hypervisor.kept', 'web2')).toBeNull();
    });
  });

  it.each(['../9000', '--all', 'web7/../101', '', 'Web7'])('a forged name of a guest is refused: %j', async (guest) => {
    const works: readonly (() => Promise<unknown>)[] = [
      async () => host.resources.read('hypervisor.guest', guest),
      async () => host.resources.write('hypervisor.guest', guest, null),
    ];
    for (const work of works) await expect(work()).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
    expect(changing()).toEqual([]);
  });

  it.each(['../9000', '--all', 'web7/../101', ''])('a forged name of what is tidied is refused: %j', async (guest) => {
    await expect(host.tasks.run('hypervisor.tidy', { guest, identity: '100' })).rejects.toMatchObject({
      code: 'ACTION_REFUSED',
    });
    expect(changing()).toEqual([]);
  });

  it('of a guest with a name that we never make there is nothing to tidy', async () => {
    await host.tasks.run('hypervisor.tidy', { guest: 'Web7', identity: '100' });
    expect(changing()).toEqual([]);
  });
});
