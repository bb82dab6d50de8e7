import type { BanListRow, DriftRow, PoolDetail, PoolWorkRow, RunDetail } from '@hauban/shared/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFirstAccount, runOnNode, type RestClient } from '../../support/first-account.ts';
import { enableApacheModules } from '../apache.ts';
import { createFullNode, type FullNode } from '../full-node.ts';
import { requestHttp, type LabResponse } from '../http-request.ts';
import { createLabNetwork, type LabNetwork, type LabPeer } from '../lab-network.ts';
import { describeLabTraces } from '../lab-traces.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { installAgent, packageAgent, waitForNode } from './installed-agent.ts';
import { createLabController, type LabController } from './lab-controller.ts';

const lab = labRequirements();
const SYSTEMCTL = '/usr/bin/systemctl';
const MORE = ['state.*', 'service.start'];
const OTHER_ADDRESS = '198.51.100.77';
/** Entries of the large ban list; the whole size: HAUBAN_LIST=20000. */
const LISTED = Number(process.env['HAUBAN_LIST'] ?? 2000);
/** Accounts that the pool has beside the first one: a join takes several orders. */
const CROWD = 3;
const WITHIN = { timeoutMs: 200_000, intervalMs: 200 };

/** Two nodes of one pool, and a fresh one that shall be able to take the place of either. */
describe.skipIf(!lab.ok)('a pool of installed nodes', () => {
  let traces: string[] = [];
  let network: LabNetwork;
  let controller: LabController;
  let client: RestClient;
  let visitor: LabPeer;
  let banned: LabPeer;
  let nodes: FullNode[] = [];
  let archive = '';
  let poolId = '';
  let itemCount = 0;
  const ids: string[] = [];

  const node = (index: number): FullNode => {
    const found = nodes[index];
    if (found === undefined) throw new Error(`there is no node ${index}`);
    return found;
  };
  const pool = async (): Promise<PoolDetail> => client.call<PoolDetail>('GET', `/api/pools/${poolId}`);
  const page = async (at: FullNode, host: string): Promise<LabResponse> =>
    requestHttp(visitor, { url: `http://${at.address}/`, host, timeoutMs: 10_000 });
  const uidOf = async (at: FullNode, name: string): Promise<number> =>
    Number((await at.mustRun('/usr/bin/id', ['-u', name])).stdout);
  const expectPage = async (at: FullNode, host: string, version: string, uid: number): Promise<void> => {
    const answer = await page(at, host);
    const body = answer.kind === 'response' ? answer.body : answer.kind;
    expect(body, `${host} on ${at.name}`).toMatch(new RegExp(`PHP ${version}\\.\\d+ runs as uid ${uid}\\.`));
  };
  const isDropped = async (at: FullNode): Promise<boolean> =>
    (await requestHttp(banned, { url: `http://${at.address}/`, timeoutMs: 700 })).kind === 'no-answer';
  const enrol = async (index: number): Promise<void> => {
    await installAgent(
      node(index),
      archive,
      { linkUrl: controller.linkUrl, token: await controller.makeJoinToken(1) },
      MORE,
    );
    ids[index] = (await waitForNode(client, node(index).name, 'up')).id;
  };

  /** On all nodes of the pool at once, and wished from then on. */
  const keep = async (action: string, args: Record<string, unknown>): Promise<void> => {
    const body = { action, args, strategy: 'at-once' };
    const { id } = await client.call<RunDetail>('POST', `/api/pools/${poolId}/runs`, body);
    const run = await waitUntil(
      action,
      async () => {
        const now = await client.call<RunDetail>('GET', `/api/runs/${id}?waitMs=5000`);
        return now.finishedAt !== null && now;
      },
      WITHIN,
    );
    expect(
      run.targets.map(({ state }) => state),
      JSON.stringify(run.targets),
    ).toEqual(['succeeded', 'succeeded']);
    itemCount += 1;
  };
  const work = async (kind: PoolWorkRow['kind'], only: string): Promise<PoolWorkRow> => {
    const [begun] = await client.call<PoolWorkRow[]>('POST', `/api/pools/${poolId}/work`, { kind, only: [only] });
    if (begun === undefined) throw new Error(`${kind} was not begun`);
    return begun;
  };
  const workNow = async (id: string): Promise<PoolWorkRow | undefined> =>
    (await client.call<PoolWorkRow[]>('GET', `/api/pools/${poolId}/work`)).find((one) => one.id === id);
  const endOf = async ({ id }: PoolWorkRow): Promise<PoolWorkRow> =>
    waitUntil(
      `the end of ${id}`,
      async () => {
        const now = await workNow(id);
        return now !== undefined && now.finishedAt !== null && now;
      },
      WITHIN,
    );
  const driftOf = async (index: number): Promise<readonly DriftRow[]> =>
    (await client.call<DriftRow[]>('GET', `/api/pools/${poolId}/drift`)).filter(({ nodeId }) => nodeId === ids[index]);
  /** The newest first. */
  const worksOn = async (index: number): Promise<readonly PoolWorkRow[]> =>
    (await client.call<PoolWorkRow[]>('GET', `/api/pools/${poolId}/work`)).filter(
      ({ nodeId }) => nodeId === ids[index],
    );
  const comparedAfter = async (ms: number): Promise<PoolWorkRow> =>
    waitUntil(
      'a compare by itself',
      async () =>
        (await worksOn(1)).find(
          ({ kind, createdAt, finishedAt }) => kind === 'compare' && createdAt > ms && finishedAt !== null,
        ),
      WITHIN,
    );
  /** Orders of the pool that changed something on this node. */
  const applies = async (index: number): Promise<number> => {
    const path = `/api/runs?action=state.apply&nodeId=${ids[index]}&limit=100`;
    return (await client.call<{ runs: unknown[] }>('GET', path)).runs.length;
  };
  const siteFile = (name: string): string => `/etc/apache2/sites-available/hosting-${name}--${name}.example.net.conf`;

  beforeAll(async () => {
    traces = await describeLabTraces();
    archive = await packageAgent();
    network = await createLabNetwork();
    const names = ['web1', 'web2', 'web3'];
    [controller, visitor, banned, ...nodes] = await Promise.all([
      createLabController(network),
      network.createPeer('visitor'),
      network.createPeer('banned'),
      ...names.map((name) => createFullNode({ name, network, phpRoots: ['8.4'] })),
    ]);
    client = await makeFirstAccount(controller);
    for (const one of nodes) {
      await enableApacheModules(one);
      await one.mustRun(SYSTEMCTL, ['restart', 'apache2']);
    }
    await enrol(0);
    await enrol(1);
    const body = { name: 'web-main', on: 'role=web' };
    poolId = (await client.call<PoolDetail>('POST', '/api/pools', body)).id;
  });
  afterAll(async () => {
    for (const one of nodes) await one.destroy();
    await controller.destroy();
    await network.destroy();
    expect(await describeLabTraces()).toEqual(traces);
  });

  it('has accounts, a PHP version, a service and bans on each node by runs that are kept', async () => {
    await keep('account.create', { name: 'alice', domain: 'alice.example.net', phpVersion: '8.2' });
    await keep('php.switch-version', { account: 'alice', version: '8.4' });
    for (let number = 1; number <= CROWD; number += 1)
      await keep('account.create', { name: `crowd${number}`, domain: `crowd${number}.example.net`, phpVersion: '8.2' });
    // Bans go onto the pool's own list, which is one wish more.
    await keep('firewall.ban', { targets: [banned.address, OTHER_ADDRESS], permanent: true, reason: 'abuse' });
    // It runs already: nothing is to be done, and it is wished all the same.
    await client.call('POST', `/api/pools/${poolId}/items`, { action: 'service.start', args: { unit: 'php8.2-fpm' } });
    itemCount += 1;
    for (const one of nodes.slice(0, 2)) {
      await expectPage(one, 'alice.example.net', '8.4', await uidOf(one, 'alice'));
      expect(await isDropped(one)).toBe(true);
    }
    expect(await pool()).toMatchObject({ memberCount: 2, itemCount });
  });

  it('brings all of it to a fresh node that joins, while agent and controller are killed in the middle', async () => {
    await enrol(2);
    const joining = ids[2] ?? '';
    expect((await pool()).members.map(({ hostName }) => hostName).toSorted()).toEqual(['web1', 'web2', 'web3']);
    const startedMs = performance.now();
    const begun = await work('join', joining);
    await waitUntil(
      'the first wish is being put right',
      async () => (await node(2).run('/usr/bin/getent', ['passwd', 'alice'])).code === 0,
      WITHIN,
    );
    expect((await workNow(begun.id))?.finishedAt).toBeNull();
    await node(2).mustRun(SYSTEMCTL, ['kill', '--signal=KILL', 'hauban-executor.service', 'hauban-link.service']);
    await controller.crash();
    const end = await endOf(begun);
    process.stderr.write(
      `join of ${itemCount} wishes with both killed: ${Math.round(performance.now() - startedMs)} ms, ${end.says}\n`,
    );
    expect(end, JSON.stringify(end)).toMatchObject({ kind: 'join', isWell: true, failed: [] });
    expect((await pool()).members.find(({ nodeId }) => nodeId === joining)).toMatchObject({ inOrder: itemCount });
  });

  it('which then answers as the others do: pages, users, PHP, bans', async () => {
    const [old, fresh] = [node(0), node(2)];
    for (const name of ['alice', ...Array.from({ length: CROWD }, (_, index) => `crowd${index + 1}`)]) {
      const uid = await uidOf(old, name);
      expect(await uidOf(fresh, name)).toBe(uid);
      await expectPage(fresh, `${name}.example.net`, name === 'alice' ? '8.4' : '8.2', uid);
      expect(await fresh.readFile(siteFile(name))).toBe(await old.readFile(siteFile(name)));
    }
    expect(await isDropped(fresh)).toBe(true);
    const listed = await runOnNode(client, ids[2] ?? '', 'firewall.list');
    expect(JSON.stringify(listed.data)).toContain(OTHER_ADDRESS);
    expect(await driftOf(2)).toEqual([]);
  });

  it('shows what was changed by hand, with its time, and puts it right once when two ask at once', async () => {
    const at = node(1);
    const beforeMs = Date.now();
    const original = await at.readFile(siteFile('crowd1'));
    await at.writeFile(siteFile('crowd1'), `${original}# by hand\n`);
    await at.mustRun('/usr/bin/sed', ['--in-place', '/^crowd2:/d', '/etc/passwd']);
    await at.mustRun(SYSTEMCTL, ['stop', 'php8.2-fpm']);
    await endOf(await work('compare', ids[1] ?? ''));
    const seen = await driftOf(1);
    expect(seen.map(({ key }) => key.split(' ')[0] ?? '').toSorted()).toEqual([
      'account.create',
      'account.create',
      'service.start',
    ]);
    for (const { since, seenAt } of seen) {
      expect(since).toBeGreaterThanOrEqual(beforeMs);
      expect(seenAt).toBeGreaterThanOrEqual(since);
    }
    const says = (word: string): DriftRow | undefined =>
      seen.find(({ key, changes }) => `${key} ${JSON.stringify(changes)}`.includes(word));
    expect(says('crowd1')?.says).toContain(siteFile('crowd1'));
    expect(says('# by hand')?.changes.find(({ before }) => before?.includes('# by hand'))?.after).toBe(original);
    expect(says('crowd2')?.says).toBe('Create user crowd2');

    const before = await applies(1);
    const [one, other] = await Promise.all([work('repair', ids[1] ?? ''), work('repair', ids[1] ?? '')]);
    expect(one.id).toBe(other.id);
    expect(await endOf(one)).toMatchObject({ isWell: true, done: 3 });
    expect(await applies(1)).toBe(before + 1);
    expect(await driftOf(1)).toEqual([]);
    expect(await at.readFile(siteFile('crowd1'))).toBe(original);
    await expectPage(at, 'crowd2.example.net', '8.2', await uidOf(at, 'crowd2'));
    expect((await at.systemctl('is-active', 'php8.2-fpm')).stdout).toBe('active\n');
  });

  it('sees an edit by hand within seconds by itself, with its time, and nothing after it is put right', async () => {
    const at = node(1);
    // What was put right just now is looked at by itself first.
    await comparedAfter((await worksOn(1)).find(({ kind }) => kind === 'repair')?.finishedAt ?? 0);
    const original = await at.readFile(siteFile('crowd1'));
    const editedMs = Date.now();
    await at.writeFile(siteFile('crowd1'), `${original}# by hand\n`);
    const [seen] = await waitUntil(
      'the difference is shown',
      async () => {
        const rows = await driftOf(1);
        return rows.length > 0 && rows;
      },
      WITHIN,
    );
    const shownMs = Date.now();
    expect(seen?.changes.find(({ before }) => before?.includes('# by hand'))?.after).toBe(original);
    // Changes of one area within ten seconds are told as one, with the age of the first.
    expect(seen?.changedAt).toBeGreaterThanOrEqual(editedMs - 12_000);
    expect(seen?.changedAt).toBeLessThanOrEqual(seen?.since ?? 0);
    process.stderr.write(
      `an edit by hand is shown after ${shownMs - editedMs} ms, with a time ${(seen?.changedAt ?? 0) - editedMs} ms from it\n`,
    );
    const before = await applies(1);
    expect(await endOf(await work('repair', ids[1] ?? ''))).toMatchObject({ isWell: true, done: 1 });
    expect(await at.readFile(siteFile('crowd1'))).toBe(original);
    // Our own order changed the same folder: it is looked at, and nothing is found.
    expect(await comparedAfter(shownMs)).toMatchObject({ isWell: true });
    expect(await driftOf(1)).toEqual([]);
    expect(await applies(1)).toBe(before + 1);
  });

  it('costs little, however often somebody touches a file', async () => {
    const at = node(1);
    const compares = async (): Promise<number> => (await worksOn(1)).filter(({ kind }) => kind === 'compare').length;
    const before = await compares();
    const startedMs = Date.now();
    const touch = `for (let n = 0; n < 10_000; n += 1) require('node:fs').writeFileSync('/etc/apache2/touched', String(n))`;
    await at.mustRun('/opt/hauban/bin/node', ['-e', touch]);
    await waitUntil('a compare', async () => (await compares()) > before, WITHIN);
    const spentMs = Date.now() - startedMs;
    process.stderr.write(`10,000 touches: ${(await compares()) - before} compares in ${spentMs} ms\n`);
    expect((await compares()) - before).toBeLessThanOrEqual(2 + Math.ceil(spentMs / 10_000));
    expect(await driftOf(1)).toEqual([]);
  });

  it('adopts a difference that is meant to be, as long as it stays as it is', async () => {
    const at = node(0);
    const edit = async (line: string): Promise<DriftRow | undefined> => {
      const text = (await at.readFile(siteFile('crowd3'))).replaceAll(/^# .*by hand\n/gm, '');
      await at.writeFile(siteFile('crowd3'), `${text}# ${line} by hand\n`);
      await endOf(await work('compare', ids[0] ?? ''));
      return (await driftOf(0)).find(({ key }) => key.includes('crowd3'));
    };
    const row = await edit('first');
    const { itemId = '', hash = '' } = row ?? {};
    await client.call('POST', `/api/pools/${poolId}/adopt`, { nodeId: ids[0], itemId, hash });
    expect((await pool()).driftCount).toBe(0);
    expect(await endOf(await work('repair', ids[0] ?? ''))).toMatchObject({ isWell: true, done: 0 });
    expect(await at.readFile(siteFile('crowd3'))).toContain('# first by hand');
    expect(await edit('second')).toMatchObject({ adoptedAt: null });
    expect((await pool()).driftCount).toBe(1);
  });

  it('has its bans again after they were lifted on one node, and after the whole table was thrown away by hand', async () => {
    const at = node(2);
    const lifted = await runOnNode(client, ids[2] ?? '', 'firewall.unban', { targets: [banned.address] });
    expect(lifted).toMatchObject({ state: 'succeeded' });
    await endOf(await work('compare', ids[2] ?? ''));
    await waitUntil('the list is brought again', async () => isDropped(at), WITHIN);
    await at.mustRun('/usr/sbin/nft', ['delete', 'table', 'inet', 'hauban']);
    expect(await isDropped(at)).toBe(false);
    // An executor that starts brings back what is stored by itself; one that runs already shows the difference.
    await endOf(await work('compare', ids[2] ?? ''));
    await waitUntil('the list is brought again', async () => isDropped(at), WITHIN);
  });

  it(`has a list of ${LISTED} prefixes on each node, beside its other bans`, async () => {
    const targets = Array.from(
      { length: LISTED },
      (_, n) => `${20 + (n >> 9)}.${(n >> 1) & 255}.${(n & 1) * 128}.0/24`,
    );
    const { id } = await client.call<BanListRow>('POST', '/api/ban-lists', { name: 'feed', pools: [poolId] });
    const inKernel = async (at: FullNode): Promise<number> => {
      const { stdout } = await at.run('/usr/sbin/nft', ['-j', 'list', 'set', 'inet', 'hauban', 'net4']);
      return stdout.split('"prefix"').length - 1;
    };
    const startedMs = performance.now();
    await client.call('POST', `/api/ban-lists/${id}/entries`, { targets, reason: 'abuse' });
    for (const at of nodes)
      await waitUntil(`${LISTED} prefixes on ${at.name}`, async () => (await inKernel(at)) === LISTED, WITHIN);
    const allMs = performance.now() - startedMs;
    process.stderr.write(`a list of ${LISTED} prefixes in the kernels of 3 nodes: ${Math.round(allMs)} ms\n`);
    for (const at of nodes) expect(await isDropped(at)).toBe(true);

    const liftedMs = performance.now();
    await client.call('DELETE', `/api/ban-lists/${id}`);
    for (const at of nodes)
      await waitUntil(`no prefixes on ${at.name}`, async () => (await inKernel(at)) === 0, WITHIN);
    process.stderr.write(`lifted from 3 nodes: ${Math.round(performance.now() - liftedMs)} ms\n`);
    // The other list still holds.
    for (const at of nodes) expect(await isDropped(at)).toBe(true);
  });
});
