import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLabNetwork, type LabNetwork } from '../lab-network.ts';
import { waitUntil } from '../program.ts';
import { nodePrograms } from '../programs.ts';
import { labRequirements } from '../requirements.ts';
import { expectDone } from './hosting-node.ts';
import { CONFIG, IMAGES, standHypervisorNode, type HypervisorNode, type TlsFiles } from './hypervisor-node.ts';
import { GUEST_IS_UP } from './tiny-guest.ts';

const lab = labRequirements();

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
    const move = { guest: 'mover', to: 'to', disks: 'copied' };
    const { verified } = expectDone(await from.actions.apply('guest.migrate', move));
    expect(verified.map(({ saw }) => saw)).toEqual(['gone', 'to']);
    expect(await from.virsh('list', '--all', '--name')).toBe('');
    expect(await to.virsh('domstate', 'mover')).toBe('running');
    const there = to.serialOf;
    await waitUntil('it to go on', async () => /tick \d+/.test(await there('mover')), { timeoutMs: 60_000 });
    expect(await there('mover')).not.toContain(GUEST_IS_UP);
    expect(await from.actions.plan('guest.migrate', move)).toMatchObject({
      detail: expect.stringContaining('there is no guest mover'),
    });
  });

  it('does not go to an address that an order names', async () => {
    for (const address of ['qemu+tls://198.51.100.7/system', 'evil.example', '--desturi'])
      expect(await from?.actions.plan('guest.migrate', { guest: 'mover', to: address })).toMatchObject({ ok: false });
  });
});
