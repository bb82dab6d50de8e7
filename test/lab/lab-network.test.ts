import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApache } from './apache.ts';
import { createDisposableNode, type DisposableNode } from './disposable-node.ts';
import { requestHttp } from './http-request.ts';
import { createLabNetwork, type LabNetwork, type LabPeer } from './lab-network.ts';
import { mustRunProgram } from './program.ts';
import { programs } from './programs.ts';
import { labRequirements } from './requirements.ts';

const lab = labRequirements();
const nft = '/usr/sbin/nft';

describe.skipIf(!lab.ok)('a node and its client', () => {
  let network: LabNetwork;
  let node: DisposableNode;
  let peer: LabPeer;
  let other: LabPeer;

  beforeAll(async () => {
    network = await createLabNetwork();
    node = await createDisposableNode({ name: 'web', network, peer: true });
    if (node.peer === null) throw new Error('the node has no peer');
    ({ peer } = node);
    other = await network.createPeer('other');
    await startApache(node);
  });
  afterAll(async () => {
    await node.destroy();
    await network.destroy();
  });

  const reaches = async (from: LabPeer, address: string): Promise<string> => {
    const response = await requestHttp(from, { url: `http://${address}/`, timeoutMs: 500 });
    return response.kind === 'response' ? String(response.status) : response.kind;
  };

  it('have a path for packets, over IPv4 and IPv6', async () => {
    await peer.mustRun('/usr/bin/ping', ['-c', '1', '-W', '5', node.address ?? '']);
    expect(await reaches(peer, node.address ?? '')).toBe('200');
    expect(await reaches(peer, `[${node.address6}]`)).toBe('200');
    expect(await reaches(peer, network.address)).toBe('refused');
  });

  it('lose it by a drop rule in the node, for that client alone, and have it back without the rule', async () => {
    const rules = `add table inet drops; add chain inet drops input { type filter hook input priority -10; };
      add rule inet drops input ip saddr ${peer.address} drop; add rule inet drops input ip6 saddr ${peer.address6} drop`;
    await node.mustRun(nft, ['--file', '-'], { input: rules });
    expect(await reaches(peer, node.address ?? '')).toBe('no-answer');
    expect(await reaches(peer, `[${node.address6}]`)).toBe('no-answer');
    expect(await reaches(other, node.address ?? '')).toBe('200');
    await node.mustRun(nft, ['delete', 'table', 'inet', 'drops']);
    expect(await reaches(peer, node.address ?? '')).toBe('200');
  });

  it('can show a further address of the client to the node', async () => {
    await peer.addAddress('10.213.77.5/16');
    await node.mustRun(nft, ['add', 'table', 'ip', 'drops']);
    await node.mustRun(nft, ['add', 'chain', 'ip', 'drops', 'input', '{ type filter hook input priority -10; }']);
    await node.mustRun(nft, ['add', 'rule', 'ip', 'drops', 'input', 'ip', 'saddr', '10.213.77.0/24', 'drop']);
    const from = async (address: string): Promise<number | null> =>
      (await peer.run('/usr/bin/ping', ['-c', '1', '-W', '1', '-I', address, node.address ?? ''])).code;
    expect(await from('10.213.77.5')).toBe(1);
    expect(await from(peer.address)).toBe(0);
  });

  it("do not see this machine's own network, and this machine does not see theirs", async () => {
    expect((await node.mustRun('/usr/bin/ip', ['-oneline', 'link'])).stdout.trim().split('\n')).toHaveLength(2);
    const { stdout } = await node.mustRun('/usr/bin/ip', ['route', 'show', 'default']);
    expect(stdout).toContain('via 10.213.0.1 dev eth0');
    const here = await mustRunProgram(programs.ip.path, ['-oneline', 'address']);
    expect(here.stdout).not.toMatch(/10\.213\.|fd13:213:/);
  });
});
