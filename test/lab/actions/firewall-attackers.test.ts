import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabPeer } from '../lab-network.ts';
import { programs } from '../programs.ts';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, standHostingNode, type HostingNode } from './hosting-node.ts';
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
/** Of a range that no one of the lab has, so that it counts as a stranger from the internet. */
const ATTACKER = '198.18.7.7';
const PATIENT = '198.18.7.8';

describe.skipIf(!lab.ok)('firewall.ban-attackers by the logs of a real Apache', () => {
  let hosting: HostingNode;
  let peer: LabPeer;

  /** Requests from one address of the peer, one after the other; the statuses, 000 without an answer. */
  const ask = async (
    from: string,
    times: number,
    path = '/xmlrpc.php',
    method = 'POST',
  ): Promise<readonly string[]> => {
    const { stdout } = await peer.run(programs.curl.path, [
      ...['--silent', '--noproxy', '*', '--max-time', '5', '--connect-timeout', '1', '--interface', from],
      ...['--request', method, '--header', `Host: ${ACCOUNT.domain}`, '--write-out', '%{http_code}\n'],
      ...Array.from({ length: times }, () => [
        '--output',
        '/dev/null',
        `http://${hosting.node.address ?? ''}${path}`,
      ]).flat(),
    ]);
    return stdout.trim().split('\n');
  };
  const ban = (more: object = {}) => hosting.actions.apply('firewall.ban-attackers', { file: 'xmlrpc.php', ...more });

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'attackers', peer: true });
    const created = hosting.node.peer;
    if (created === null) throw new Error('a peer was asked for');
    peer = created;
    for (const address of [ATTACKER, PATIENT]) {
      await peer.addAddress(`${address}/32`);
      await hosting.node.mustRun('/usr/sbin/ip', ['route', 'add', `${address}/32`, 'dev', 'eth0']);
    }
    expectDone(await hosting.actions.apply('account.create', ACCOUNT));
  });
  afterAll(() => hosting.node.destroy());

  it('bans who asked too often, and nobody else: not a private address, not who asked seldom or for something else', async () => {
    expect(await ask(ATTACKER, 25, '//xmlrpc%2Ephp?x=1')).toContain('404');
    expect(await ask(peer.address, 25)).toContain('404');
    expect(await ask(PATIENT, 10)).toContain('404');
    expect(await ask(PATIENT, 30, '/wp-login.php')).toContain('404');
    expect(await ask(PATIENT, 30, '/xmlrpc.php', 'GET')).toContain('404');
    const before = await snapshotNode(hosting.node);
    const done = expectDone(await ban());
    expect(done.notes.join('\n')).toContain(`${ATTACKER}: 25 requests to 1 site.`);
    expect(done.notes.join('\n')).toContain(`${peer.address} is a private address`);
    expect(await ask(ATTACKER, 1)).toEqual(['000']);
    expect(await ask(PATIENT, 1)).toEqual(['404']);
    expect(await ask(peer.address, 1)).toEqual(['404']);
    expect(expectDone(await ban()).changes).toEqual([]);
    expectDone(await hosting.actions.call({ mode: 'undo', changes: done.changes }));
    expect(await ask(ATTACKER, 1)).toEqual(['404']);
    expect(await snapshotNode(hosting.node)).toBe(before);
  });

  it('attack: lines that a visitor forges by login name, referrer and path ban no neighbour', async () => {
    const forged = `x] "POST /xmlrpc.php HTTP/1.1" 200 1\n198.18.9.9 - - [22/Nov/2026:18:00:00 +0000] "POST /xmlrpc.php HTTP/1.1" 200 1 "-" "-"`;
    await peer.run(programs.curl.path, [
      ...[
        '--silent',
        '--noproxy',
        '*',
        '--max-time',
        '5',
        '--interface',
        PATIENT,
        '--user',
        `${forged.replaceAll('\n', ' ')}:x`,
      ],
      ...['--header', `Host: ${ACCOUNT.domain}`, '--referer', forged.replaceAll('\n', ' '), '--output', '/dev/null'],
      ...Array.from({ length: 40 }, () => `http://${hosting.node.address ?? ''}/x%0a198.18.9.9%20-%20-%20xmlrpc.php`),
    ]);
    const done = expectDone(
      await hosting.actions.plan('firewall.ban-attackers', { file: 'xmlrpc.php', everyMethod: true }),
    );
    expect(JSON.stringify(done.changes)).not.toContain('198.18.9.9');
  });
});
