import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Change } from '@hauban/shared/actions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLabNetwork, type LabNetwork } from '../lab-network.ts';
import { waitUntil } from '../program.ts';
import { nodePrograms } from '../programs.ts';
import { labRequirements } from '../requirements.ts';
import { expectDone } from './hosting-node.ts';
import { CONFIG, IMAGES, standHypervisorNode, type HypervisorNode, type TlsFiles } from './hypervisor-node.ts';
import { GUEST_IS_UP } from './tiny-guest.ts';

const lab = labRequirements();
const MOVE = { guest: 'mover', to: 'to', disks: 'copied' };

/** An authority of the test's own, and certificates for both ends of a line. */
function createAuthority(folder: string): (address: string) => TlsFiles {
  const openssl = (...args: readonly string[]): void =>
    void execFileSync(nodePrograms.openssl.path, args, { stdio: 'ignore', cwd: folder });
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  openssl('req', '-x509', ...kind, '-days', '2', '-subj', '/CN=lab', '-keyout', 'ca.key', '-out', 'ca.pem');
  return (address) => {
    writeFileSync(join(folder, 'names'), `subjectAltName=IP:${address}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    openssl('req', ...kind, '-subj', `/CN=${address}`, '-keyout', 'key', '-out', 'request');
    openssl(
      ...['x509', '-req', '-in', 'request', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', '2', '-extfile', 'names', '-out', 'cert'],
    );
    return { authority: read('ca.pem'), cert: read('cert'), key: read('key') };
  };
}

describe.skipIf(!lab.ok)('a guest that moves between two hypervisors', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hauban-authority-'));
  let network: LabNetwork;
  let [from, to]: HypervisorNode[] = [];
  let moved: readonly Change[] = [];
  beforeAll(async () => {
    network = await createLabNetwork();
    const authority = createAuthority(folder);
    from = await standHypervisorNode({ name: 'from', network }, authority);
    to = await standHypervisorNode({ name: 'to', network }, authority);
    const hosts = [from, to].map(({ node }) => `${node.address ?? ''} ${node.name}\n`).join('');
    for (const { node } of [from, to]) await node.writeFile('/etc/hosts', `127.0.0.1 localhost\n${hosts}`);
    const other = `[[hosts]]\nname = "to"\nuri = "qemu+tls://${to.node.address ?? ''}/system"\n`;
    await from.node.writeFile('/etc/hosting/hypervisor.toml', `${CONFIG}${other}`);
    await from.defineGuest('mover');
    await to.node.mustRun(nodePrograms.qemuImg.path, ['create', '-q', '-f', 'qcow2', `${IMAGES}/mover.qcow2`, '24M']);
  });
  afterAll(async () => {
    await from?.node.destroy();
    await to?.node.destroy();
    await network.destroy();
    rmSync(folder, { recursive: true });
  });

  it('goes on there while it runs, with its memory and its disk, and is gone from here', async () => {
    if (from === undefined || to === undefined) throw new Error('no nodes');
    expectDone(await from.actions.apply('guest.start', { guest: 'mover' }));
    const { serialOf } = from;
    await waitUntil('it to boot', async () => (await serialOf('mover')).includes(GUEST_IS_UP), { timeoutMs: 60_000 });
    const { changes, verified } = expectDone(await from.actions.apply('guest.migrate', MOVE));
    moved = changes;
    expect(verified.map(({ saw }) => saw)).toEqual(['gone', 'to']);
    expect(await from.virsh('list', '--all', '--name')).toBe('');
    expect(await to.virsh('domstate', 'mover')).toBe('running');
    const there = to.serialOf;
    await waitUntil('it to go on', async () => /tick \d+/.test(await there('mover')), { timeoutMs: 60_000 });
    expect(await there('mover')).not.toContain(GUEST_IS_UP);
    expect(await from.actions.plan('guest.migrate', MOVE)).toMatchObject({
      detail: expect.stringContaining('there is no guest mover'),
    });
  });

  it('a move whose guest is not there afterwards is told as it is, and said not to be undone', async () => {
    if (from === undefined || to === undefined) throw new Error('no nodes');
    await to.virsh('destroy', 'mover');
    await to.virsh('undefine', 'mover');
    const looked = await from.actions.call({ mode: 'verify', action: 'guest.migrate', args: MOVE, changes: moved });
    expect(looked).toMatchObject({
      verified: [
        { ok: true, saw: 'gone' },
        { ok: false, saw: 'not on to' },
      ],
    });
    expect(expectDone(await from.actions.call({ mode: 'undo', changes: moved })).problems).toMatchObject([
      { code: 'ACTION_UNDO_FAILED', detail: expect.stringContaining('can not be taken back') },
    ]);
    expect([await from.virsh('list', '--all', '--name'), await to.virsh('list', '--all', '--name')]).toEqual(['', '']);
  });

  it('is refused where its disk would be missing there, off or running; control: virsh moves one that can not start', async () => {
    if (from === undefined || to === undefined) throw new Error('no nodes');
    await from.defineGuest('parked', { isDeaf: true });
    const move = { guest: 'parked', to: 'to' };
    const why = `${IMAGES}/parked.qcow2 lies on this machine alone`;
    expect(await from.actions.plan('guest.migrate', move)).toMatchObject({ detail: expect.stringContaining(why) });
    expect(await from.actions.plan('guest.migrate', { ...move, disks: 'copied' })).toMatchObject({
      detail: expect.stringContaining('is off'),
    });
    await from.virsh('start', 'parked');
    expect(await from.actions.plan('guest.migrate', move)).toMatchObject({ detail: expect.stringContaining(why) });
    await from.virsh('destroy', 'parked');
    const uri = `qemu+tls://${to.node.address ?? ''}/system`;
    await from.virsh('migrate', '--offline', '--p2p', '--persistent', '--undefinesource', 'parked', uri);
    await expect(to.virsh('start', 'parked')).rejects.toThrow(/parked\.qcow2/);
    await to.virsh('undefine', 'parked');
  });

  it('planned, nothing moves; killed in the middle, it runs in one place; the same again brings it there, for good', async () => {
    if (from === undefined || to === undefined) throw new Error('no nodes');
    const [here, there] = [from, to];
    await here.defineGuest('second');
    await there.node.mustRun(nodePrograms.qemuImg.path, [
      'create',
      '-q',
      '-f',
      'qcow2',
      `${IMAGES}/second.qcow2`,
      '24M',
    ]);
    expectDone(await here.actions.apply('guest.start', { guest: 'second' }));
    await waitUntil('it to boot', async () => (await here.serialOf('second')).includes(GUEST_IS_UP), {
      timeoutMs: 60_000,
    });
    const args = { guest: 'second', to: 'to', disks: 'copied' };
    const running = async ({ virsh }: HypervisorNode): Promise<boolean> =>
      (await virsh('list', '--state-running', '--name')).split('\n').includes('second');
    /** Asked of a guest that has just gone it says nothing. */
    const isMoving = async (): Promise<boolean> => {
      const { code, stdout } = await here.node.run(nodePrograms.virsh.path, [
        '-c',
        'qemu:///system',
        'domjobinfo',
        'second',
      ]);
      return code === 0 && !/None|Completed/.test(stdout);
    };
    const { changes } = expectDone(await here.actions.plan('guest.migrate', args));
    expect([await running(here), await running(there)]).toEqual([true, false]);
    const order = await here.node.spawn(process.execPath, [here.actions.file]);
    order.child.stdin?.end(JSON.stringify({ mode: 'apply', action: 'guest.migrate', args }));
    const hasBegun = async (): Promise<boolean> => (await isMoving()) || !(await running(here));
    await waitUntil('the move to begin', hasBegun, { timeoutMs: 60_000 });
    await order.stop('SIGKILL');
    await waitUntil('the move to end, either way', async () => !(await isMoving()), { timeoutMs: 120_000 });
    await waitUntil('it to run on one side', async () => (await running(here)) !== (await running(there)), {
      timeoutMs: 60_000,
    });
    const isThere = await running(there);
    const again = await here.actions.apply('guest.migrate', args);
    if (isThere) expect(again).toMatchObject({ detail: expect.stringContaining('there is no guest second') });
    else expectDone(again);
    expect([await running(here), await running(there)]).toEqual([false, true]);
    expect(expectDone(await here.actions.call({ mode: 'undo', changes })).problems).toMatchObject([
      { code: 'ACTION_UNDO_FAILED' },
    ]);
    expect([await running(here), await running(there)]).toEqual([false, true]);
  });

  it('does not go to an address that an order names', async () => {
    for (const address of ['qemu+tls://198.51.100.7/system', 'evil.example', '--desturi'])
      expect(await from?.actions.plan('guest.migrate', { guest: 'mover', to: address })).toMatchObject({ ok: false });
  });
});
