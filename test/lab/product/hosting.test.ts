import { join } from 'node:path';
import type { InventoryReply, JoinTokenCreated, NodeDetail, RunTarget, SessionPage } from '@hauban/shared/api';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeFirstAccount, runOnNode, type RestClient } from '../../support/first-account.ts';
import { INVENTORY_SECTIONS } from '@hauban/shared/inventory';
import { parseCast } from '../../support/asciicast.ts';
import { watchNode } from '../../support/live-watcher.ts';
import { openShell } from '../../support/shell-viewer.ts';
import { enableApacheModules } from '../apache.ts';
import { createFullNode, type FullNode } from '../full-node.ts';
import { requestHttp, type LabResponse } from '../http-request.ts';
import { createLabNetwork, type LabNetwork, type LabPeer } from '../lab-network.ts';
import { describeLabTraces } from '../lab-traces.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { startHttpLoad } from './http-load.ts';
import { installAgent, packageAgent, unpackAgent, waitForNode } from './installed-agent.ts';
import { createLabController, type LabController } from './lab-controller.ts';

const lab = labRequirements();
const sitesAvailable = '/etc/apache2/sites-available';
const sitesEnabled = '/etc/apache2/sites-enabled';

/** Requests that a switch of versions is proven under. */
const LOAD_REQUESTS = 2_000;

describe.skipIf(!lab.ok)('a hosting node with the agent installed as a user would', () => {
  let before: string[] = [];
  let network: LabNetwork;
  let controller: LabController;
  let client: RestClient;
  let node: FullNode;
  let peer: LabPeer;
  let archive = '';
  let id = '';

  const run = async (action: string, args: Record<string, unknown> = {}): Promise<RunTarget> =>
    await runOnNode(client, id, action, args);
  const succeed = async (action: string, args: Record<string, unknown> = {}): Promise<RunTarget> => {
    const target = await run(action, args);
    expect(target, JSON.stringify(target, null, 1)).toMatchObject({ state: 'succeeded', code: null });
    expect(target.verification.filter(({ ok }) => !ok)).toEqual([]);
    return target;
  };
  const page = async (host: string): Promise<LabResponse> =>
    await requestHttp(peer, { url: `http://${node.address}/`, host, timeoutMs: 10_000 });
  const expectPage = async (host: string, version: string, uid: number): Promise<void> => {
    const answer = await page(host);
    expect(answer).toMatchObject({ kind: 'response', status: 200 });
    expect(answer.kind === 'response' ? answer.body : '').toMatch(
      new RegExp(`PHP ${version}\\.\\d+ runs as uid ${uid}\\.`),
    );
  };

  beforeAll(async () => {
    before = await describeLabTraces();
    archive = await packageAgent();
    network = await createLabNetwork();
    [controller, node, peer] = await Promise.all([
      createLabController(network),
      createFullNode({ name: 'web1', network, phpRoots: ['8.4', '7.4'] }),
      network.createPeer('visitor'),
    ]);
    client = await makeFirstAccount(controller);
    // What a hoster's own set-up of a web node does before the agent comes.
    await enableApacheModules(node);
    await node.mustRun('/usr/bin/systemctl', ['restart', 'apache2']);
  });
  afterAll(async () => {
    await node.destroy();
    await controller.destroy();
    await network.destroy();
    expect(await describeLabTraces()).toEqual(before);
  });

  describe('install', () => {
    it('refuses a token that does not exist, in one sentence, and leaves no identity', async () => {
      const folder = await unpackAgent(node, archive);
      const thumbprint = 'A'.repeat(43);
      const token = `hbj1.00000000-0000-4000-8000-000000000000.${'A'.repeat(43)}.${thumbprint}`;
      const args = [`${folder}/install.mjs`, '--url', controller.linkUrl, '--token', token];
      const result = await node.run('/usr/local/bin/node', args);
      expect(result.code).not.toBe(0);
      expect(result.stderr).not.toContain('    at ');
      expect(await node.exists('/etc/hauban/trust.json')).toBe(false);
    });

    it('enrols with a token and comes up, its units well', async () => {
      const { token } = await client.call<JoinTokenCreated>('POST', '/api/join-tokens', { roles: ['web'] });
      await installAgent(node, archive, { linkUrl: controller.linkUrl, token });
      id = (await waitForNode(client, 'web1', 'up')).id;
      // What only the executor knows comes a moment after the link.
      const detail = await waitUntil('the executor has told about itself', async () => {
        const told = await client.call<NodeDetail>('GET', `/api/nodes/${id}`);
        return told.actions.length > 0 && told;
      });
      expect(detail).toMatchObject({ hostName: 'web1', isRoot: true, roles: ['web'], remoteAddress: node.address });
      expect((await node.systemctl('--failed', '--no-legend')).stdout).toBe('');
      expect((await node.systemctl('is-active', 'hauban-link', 'hauban-executor.socket')).stdout).toBe(
        'active\nactive\n',
      );
      expect((await node.systemctl('is-enabled', 'hauban-link', 'hauban-executor.socket')).stdout).toBe(
        'enabled\nenabled\n',
      );
    });

    it('runs the link process as a user without privilege, and the keys are nobody else’s', async () => {
      const pid = (await node.systemctl('show', '--property=MainPID', '--value', 'hauban-link')).stdout.trim();
      const status = await node.mustRun('/usr/bin/cat', [`/proc/${pid}/status`]);
      expect(status.stdout).not.toMatch(/^Uid:\s+0\b/m);
      expect(status.stdout).toMatch(/^CapEff:\s+0+$/m);
      const modes = await node.mustRun('/usr/bin/stat', [
        '--format=%U %a',
        '/var/lib/hauban/link/link-key.json',
        '/var/lib/hauban/executor/receipt-key.json',
      ]);
      expect(modes.stdout).toBe('hauban 600\nroot 600\n');
      const peek = await node.run('/usr/bin/cat', ['/var/lib/hauban/executor/receipt-key.json'], {
        as: { uid: 65_534, gid: 65_534 },
      });
      expect(peek.code).not.toBe(0);
    });

    it('tells of the machine as it is, not as its own sandbox shows it', async () => {
      const inventory = await waitUntil(
        'the inventory',
        async () => {
          const reply = await client.call<InventoryReply>('GET', `/api/nodes/${id}/inventory`);
          return reply.sections.length >= Object.keys(INVENTORY_SECTIONS).length ? reply : null;
        },
        { timeoutMs: 60_000, intervalMs: 200 },
      );
      const section = (name: string): string =>
        JSON.stringify(inventory.sections.find((found) => found.name === name)?.data ?? null);
      expect(section('interfaces')).toContain(`"${node.address}"`);
      expect(section('php')).toMatch(/7\.4.*8\.2.*8\.4/);
      expect(section('disks')).toMatch(/"mount":"\/"[^}]*"options":"rw/);
      expect(section('disks')).not.toContain('/var/lib/hauban');
      const watcher = await watchNode(client, id, ['fs.*', 'sys.failed_units']);
      const value = (name: string): unknown => {
        const last = watcher.samples().at(-1);
        return last?.values[last.names.indexOf(name)];
      };
      // File systems are asked at every sixth tick of 10 s, and told at the next.
      await waitUntil('figures of the file systems', () => typeof value('fs./.read_only') === 'number', {
        timeoutMs: 120_000,
      });
      watcher.close();
      expect(value('fs./.read_only')).toBe(0);
      expect(value('sys.failed_units')).toBe(0);
    });

    it('is an upgrade when run again: same identity, same policy', async () => {
      const policy = await node.readFile('/etc/hauban/policy.toml');
      const folder = await unpackAgent(node, archive);
      await node.mustRun('/usr/local/bin/node', [`${folder}/install.mjs`]);
      expect(await node.readFile('/etc/hauban/policy.toml')).toBe(policy);
      expect((await waitForNode(client, 'web1', 'up')).id).toBe(id);
      expect(await succeed('node.ping')).toBeDefined();
    });

    it('has units that systemd finds nothing wrong with', async () => {
      const units = ['hauban-link.service', 'hauban-executor.service', 'hauban-executor.socket'];
      const verified = await node.run('/usr/bin/systemd-analyze', ['verify', '--man=no', ...units]);
      expect(verified.code, verified.stderr).toBe(0);
      expect(verified.stderr.split('\n').filter((line) => line.includes('hauban'))).toEqual([]);
      const rated = await node.mustRun('/usr/bin/systemd-analyze', ['security', '--no-pager', ...units.slice(0, 2)]);
      for (const line of rated.stdout.split('\n').filter((text) => text.includes('Overall exposure')))
        process.stderr.write(`systemd-analyze security: ${line.trim()}\n`);
    });
  });

  describe('an account', () => {
    const alice = { name: 'alice', domain: 'alice.example.net', phpVersion: '8.2' };
    const bob = { name: 'bob01', domain: 'bob.example.net', phpVersion: '8.4' };
    let aliceUid = 0;
    let bobUid = 0;

    it('is planned without a change, then made as planned', async () => {
      const planned = await runOnNode(client, id, 'account.create', alice, { mode: 'plan' });
      expect(planned).toMatchObject({ state: 'succeeded' });
      expect(planned.plan?.changes.length).toBeGreaterThan(10);
      expect((await node.run('/usr/bin/getent', ['passwd', 'alice'])).code).toBe(2);
      const made = await succeed('account.create', alice);
      expect(made.plan?.changes.length).toBe(planned.plan?.changes.length);
      aliceUid = Number((await node.mustRun('/usr/bin/id', ['-u', 'alice'])).stdout);
      expect(aliceUid).toBeGreaterThanOrEqual(100_000);
    });

    it('has its page served by PHP that runs as that user, to a visitor from the network', async () => {
      await expectPage(alice.domain, '8.2', aliceUid);
      const unknown = await requestHttp(peer, { url: `http://${node.address}/`, host: 'nobody.example.net' });
      expect(unknown.kind === 'response' ? unknown.body : '').not.toContain('runs as uid');
    });

    it('changes nothing when created again', async () => {
      const again = await run('account.create', { ...alice, uid: aliceUid });
      expect(again, again.detail).toMatchObject({ state: 'unchanged', plan: { changes: [] } });
    });

    it('beside another one: each has its own user, its own PHP and no view of the other', async () => {
      await succeed('account.create', bob);
      bobUid = Number((await node.mustRun('/usr/bin/id', ['-u', 'bob01'])).stdout);
      expect(bobUid).not.toBe(aliceUid);
      await expectPage(bob.domain, '8.4', bobUid);
      await expectPage(alice.domain, '8.2', aliceUid);
      await node.writeFile(
        '/srv/vol1/alice/var/www/homes.php',
        '<?php echo implode(",", scandir("/srv/vol1"));',
        0o644,
      );
      const homes = await requestHttp(peer, { url: `http://${node.address}/homes.php`, host: alice.domain });
      expect(homes).toMatchObject({ status: 200, body: '.,..,alice' });
      await expectPage(alice.domain, '8.2', aliceUid);
    });

    it('is refused by the policy’s words, not by guessing: a name that the schema does not know', async () => {
      await expect(run('account.create', { ...alice, name: '../evil' })).rejects.toMatchObject({ status: 400 });
    });

    it('switches 8.2 → 8.4 → 7.4 → 8.2, each seen in the page, each once', async () => {
      const pid = (await node.readFile('/run/apache2/apache2.pid')).trim();
      const opened = (
        await node.mustRun('/usr/bin/grep', ['--count', 'resuming normal operations', '/var/log/apache2/error.log'])
      ).stdout;
      for (const version of ['8.4', '7.4', '8.2']) {
        await succeed('php.switch-version', { account: 'alice', version });
        await expectPage(alice.domain, version, aliceUid);
        expect(await run('php.switch-version', { account: 'alice', version })).toMatchObject({ state: 'unchanged' });
        await expectPage(bob.domain, '8.4', bobUid);
      }
      // No reload of Apache: the same master, no new generation.
      expect((await node.readFile('/run/apache2/apache2.pid')).trim()).toBe(pid);
      expect(
        (await node.mustRun('/usr/bin/grep', ['--count', 'resuming normal operations', '/var/log/apache2/error.log']))
          .stdout,
      ).toBe(opened);
      const masters = await node.mustRun('/usr/bin/pgrep', [
        '--full',
        '--list-full',
        'php-fpm: master process .*alice',
      ]);
      expect(masters.stdout.trim().split('\n')).toHaveLength(1);
    });

    it('loses no request when versions are switched back and forth under load', async () => {
      const load = await startHttpLoad(peer, { address: node.address, host: alice.domain, connections: 8 });
      let switches = 0;
      const startedMs = performance.now();
      // Long enough for the requests that are wanted, and at least once through all versions.
      for (const version of ['8.4', '7.4', '8.2', '7.4', '8.4', '8.2']) {
        await succeed('php.switch-version', { account: 'alice', version });
        switches += 1;
      }
      const result = await load.stop();
      const seconds = (performance.now() - startedMs) / 1000;
      process.stderr.write(
        `php.switch-version under load: ${switches} switches, ${result.requests} requests in ${seconds.toFixed(1)} s, failed ${JSON.stringify(result.failed)}, by version ${JSON.stringify(result.bodies)}\n`,
      );
      expect(result.failed).toEqual({});
      expect(result.requests).toBeGreaterThanOrEqual(LOAD_REQUESTS);
      expect(Object.keys(result.bodies).sort()).toEqual(['7.4', '8.2', '8.4']);
    });

    it('refuses a version that is not installed, with the list of those that are', async () => {
      const refused = await run('php.switch-version', { account: 'alice', version: '5.6' });
      expect(refused).toMatchObject({ state: 'refused' });
      expect(refused.detail).toMatch(/5\.6 is not installed.*7\.4, 8\.2, 8\.4/);
      await expectPage(alice.domain, '8.2', aliceUid);
    });

    describe("and another site's broken configuration", () => {
      afterEach(async () => {
        await disable('broken');
      });
      const enable = async (name: string, text: string): Promise<void> => {
        await node.writeFile(`${sitesAvailable}/${name}.conf`, text);
        await node.mustRun('/usr/bin/ln', [
          '--symbolic',
          '--force',
          `../sites-available/${name}.conf`,
          `${sitesEnabled}/${name}.conf`,
        ]);
      };
      const disable = async (name: string): Promise<void> => {
        await node.mustRun('/usr/bin/rm', ['--force', `${sitesEnabled}/${name}.conf`]);
      };
      const expectOldServes = async (masterPid: string): Promise<void> => {
        await expectPage(alice.domain, '8.2', aliceUid);
        await expectPage(bob.domain, '8.4', bobUid);
        expect((await node.readFile('/run/apache2/apache2.pid')).trim()).toBe(masterPid);
      };

      it('apache.reload says that there is nothing to load when there is nothing', async () => {
        expect(await run('apache.reload')).toMatchObject({ state: 'unchanged', plan: { changes: [] } });
      });

      it('apache.reload loads a good change, once', async () => {
        await enable(
          'plain',
          '<VirtualHost *:80>\n  ServerName plain.example.net\n  DocumentRoot /var/www/html\n</VirtualHost>\n',
        );
        await succeed('apache.reload');
        expect(await page('plain.example.net')).toMatchObject({ kind: 'response', status: 200 });
        expect(await run('apache.reload')).toMatchObject({ state: 'unchanged' });
      });

      it('a syntax error: refused with file, line and reason, the old configuration goes on serving', async () => {
        const pid = (await node.readFile('/run/apache2/apache2.pid')).trim();
        await enable(
          'broken',
          '<VirtualHost *:80>\n  ServerName broken.example.net\n  DocumentRoott /var/www/html\n</VirtualHost>\n',
        );
        const refused = await run('apache.reload');
        process.stderr.write(
          `apache.reload of a syntax error: ${refused.state} ${String(refused.code)}: ${refused.detail}\n`,
        );
        expect(refused).toMatchObject({ state: 'refused', code: 'CONFIG_INVALID' });
        expect(refused.detail).toMatch(/broken\.conf.*\b3\b/);
        expect(refused.detail).toContain('DocumentRoott');
        await expectOldServes(pid);
      });

      it('a certificate that does not match its key, which configtest calls OK: refused, the old one goes on', async () => {
        const pid = (await node.readFile('/run/apache2/apache2.pid')).trim();
        for (const name of ['one', 'other'])
          await node.mustRun('/usr/bin/openssl', [
            ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'],
            ...['-subj', '/CN=secure.example.net', '-keyout', `/etc/ssl/${name}.key`, '-out', `/etc/ssl/${name}.pem`],
          ]);
        const vhost = (key: string): string =>
          [
            'Listen 443',
            '<VirtualHost *:443>',
            '  ServerName secure.example.net',
            '  DocumentRoot /var/www/html',
            '  SSLEngine on',
            '  SSLCertificateFile /etc/ssl/one.pem',
            `  SSLCertificateKeyFile /etc/ssl/${key}.key`,
            '</VirtualHost>',
            '',
          ].join('\n');
        // Debian's ports.conf listens on 443 as soon as mod_ssl is loaded.
        const listens = await node.run('/usr/bin/grep', ['--quiet', 'Listen 443', '/etc/apache2/ports.conf']);
        const text = (key: string): string =>
          listens.code === 0 ? vhost(key).replace('Listen 443\n', '') : vhost(key);
        await enable('secure', text('other'));
        expect((await node.run('/usr/sbin/apache2ctl', ['configtest'])).code).toBe(0);
        const refused = await run('apache.reload');
        process.stderr.write(
          `apache.reload of a foreign key: ${refused.state} ${String(refused.code)}: ${refused.detail}\n`,
        );
        expect(refused.state).toBe('refused');
        expect(refused.detail).toMatch(/secure\.conf.*\b[5-7]\b/);
        expect(refused.detail).toMatch(/key/i);
        await expectOldServes(pid);
        // Mended, the same order goes through.
        await enable('secure', text('one'));
        await succeed('apache.reload');
        expect(await requestHttp(peer, { url: `https://${node.address}/`, host: 'secure.example.net' })).toMatchObject({
          kind: 'response',
          status: 200,
        });
        await expectOldServes(pid);
      });

      it('a broken site stands in the way of a new account, which is refused as a whole', async () => {
        await enable('broken', '<VirtualHost *:80>\n  Nonsense on\n</VirtualHost>\n');
        const refused = await run('account.create', { name: 'carol', domain: 'carol.example.net', phpVersion: '8.2' });
        expect(refused.state).toBe('refused');
        expect((await node.run('/usr/bin/getent', ['passwd', 'carol'])).code).toBe(2);
      });
    });
  });

  describe('bans', () => {
    const asked = async (): Promise<string> => (await page('plain.example.net')).kind;

    it('drop the packets of a visitor, until lifted; each again changes nothing', async () => {
      expect(await asked()).toBe('response');
      const ban = { targets: [peer.address], durationS: 3600, reason: 'scan' };
      await succeed('firewall.ban', ban);
      expect((await requestHttp(peer, { url: `http://${node.address}/`, timeoutMs: 2_000 })).kind).toBe('no-answer');
      expect((await peer.run('/usr/bin/ping', ['-c', '1', '-W', '1', node.address])).code).not.toBe(0);
      expect(await run('firewall.ban', ban)).toMatchObject({ state: 'unchanged' });
      const listed = await succeed('firewall.list');
      expect(JSON.stringify(listed.data)).toContain(peer.address);
      await succeed('firewall.unban', { targets: [peer.address] });
      expect(await asked()).toBe('response');
      expect(await run('firewall.unban', { targets: [peer.address] })).toMatchObject({ state: 'unchanged' });
    });

    it('cut IPv6 and prefixes too', async () => {
      await succeed('firewall.ban', { targets: [`${peer.address6}/128`, '198.51.100.0/24'], durationS: 600 });
      const six = await requestHttp(peer, { url: `http://[${node.address6}]/`, timeoutMs: 2_000 });
      expect(six.kind).toBe('no-answer');
      expect(await asked()).toBe('response');
      await succeed('firewall.unban', { targets: [peer.address6, '198.51.100.0/24'] });
      // The visitor's kernel has given the neighbour up meanwhile and asks for it anew.
      await waitUntil('packets pass again', async () => {
        return (await requestHttp(peer, { url: `http://[${node.address6}]/` })).kind === 'response';
      });
    });

    it.each([
      ['the controller', '10.213.0.1'],
      ['loopback', '127.0.0.1'],
      ['what the policy file names', '10.213.255.7'],
    ])('never reach %s', async (_what, target) => {
      // Loopback does not even fit the type of an address to ban.
      const refused = await run('firewall.ban', { targets: [target], durationS: 60 }).catch((error: unknown) => error);
      if (refused instanceof Error) expect(refused).toMatchObject({ status: 400 });
      else expect(refused).toMatchObject({ state: 'refused' });
      expect(await succeed('node.ping')).toBeDefined();
    });

    it('never reach the node itself', async () => {
      expect(await run('firewall.ban', { targets: [node.address], durationS: 60 })).toMatchObject({ state: 'refused' });
    });
  });

  describe('the policy file', () => {
    it('refuses what it does not allow, whoever asks, and takes an edit at once', async () => {
      const policy = await node.readFile('/etc/hauban/policy.toml');
      await node.writeFile('/etc/hauban/policy.toml', policy.replace('"firewall.*"', '"firewall.list"'), 0o644);
      const refused = await run('firewall.ban', { targets: ['192.0.2.7'], durationS: 60 });
      expect(refused).toMatchObject({ state: 'refused', code: 'POLICY_DENIED' });
      await node.writeFile('/etc/hauban/policy.toml', policy, 0o644);
      await succeed('firewall.ban', { targets: ['192.0.2.7'], durationS: 60 });
      await succeed('firewall.unban', { targets: ['192.0.2.7'] });
    });

    it('refuses a shell as a user that it does not list', async () => {
      await expect(openShell(client, id, 'alice')).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    });
  });

  describe('a shell through the controller', () => {
    beforeAll(async () => {
      await node.mustRun('/usr/sbin/useradd', ['--uid', '1500', '--create-home', '--shell', '/bin/bash', 'deploy']);
    });

    it('is refused for a user without a login shell, in words', async () => {
      await expect(openShell(client, id, 'www-data')).rejects.toMatchObject({ code: 'SHELL_REFUSED' });
    });

    it.each([
      ['root', '0'],
      ['deploy', '1500'],
    ])('as %s: typed into, seen, ended and replayed', async (user, uid) => {
      const shell = await openShell(client, id, user);
      shell.type('echo "uid=$(id -u) tty=$(tty) host=$(hostname)"; echo "héllo ✓"\r');
      const output = await shell.waitForOutput(/uid=\d+ tty=\/dev\/pts\/\d+ host=web1[\s\S]*héllo ✓/);
      expect(output).toContain(`uid=${uid} `);
      shell.resize(120, 40);
      shell.type('stty size\r');
      await shell.waitForOutput(/40 120/);
      shell.type('exit 3\r');
      expect(await shell.waitForExit()).toMatchObject({ ending: 'exited', status: 3, leftOver: 0 });
      shell.leave();
      expect(shell.problems()).toEqual([]);
      const recording = await waitUntil(
        'the recording is complete',
        async () => {
          const { sessions } = await client.call<SessionPage>('GET', `/api/recordings?nodeId=${id}`);
          return sessions.find((session) => session.id === shell.sessionId && session.recording === 'complete');
        },
        { timeoutMs: 30_000, intervalMs: 200 },
      );
      expect(recording).toMatchObject({ user, openedBy: 'founder', state: 'ended' });
      const cast = parseCast(await client.text(`/api/recordings/${shell.sessionId}/cast`));
      expect(cast.output).toContain('héllo ✓');
      expect(cast.events.some(([, kind, data]) => kind === 'r' && data === '120x40')).toBe(true);
    });
  });

  it("gives a root shell the machine's own namespaces: what is mounted there is mounted", async () => {
    const own = (await node.mustRun('/usr/bin/readlink', ['/proc/1/ns/mnt', '/proc/1/ns/uts', '/proc/1/ns/net']))
      .stdout;
    const shell = await openShell(client, id, 'root');
    shell.type('readlink /proc/self/ns/mnt /proc/self/ns/uts /proc/self/ns/net; exit\r');
    await shell.waitForExit();
    shell.leave();
    expect(shell.output().replaceAll('\r', '')).toContain(own);
  });

  describe('switched off and on again', () => {
    it('comes back: agent, bans with what remains of their time, PHP masters and sites', async () => {
      const expiryOf = (target: RunTarget, address: string): number => {
        const { bans } = target.data as { bans: { target: string; expiresAt: number | null }[] };
        return bans.find((ban) => ban.target === address)?.expiresAt ?? Number.NaN;
      };
      await succeed('php.switch-version', { account: 'alice', version: '8.4' });
      await succeed('firewall.ban', { targets: [peer.address, '203.0.113.9'], durationS: 3600 });
      await succeed('firewall.ban', { targets: ['2001:db8:bad::/48'], permanent: true });
      const until = expiryOf(await succeed('firewall.list'), peer.address);
      const connectedAt = (await waitForNode(client, 'web1', 'up')).connectedAt ?? Number.NaN;

      await node.powerOff();
      expect((await waitForNode(client, 'web1', 'down')).state).toBe('down');
      await node.boot();
      const back = await waitForNode(client, 'web1', 'up');
      expect(back.id).toBe(id);
      expect(back.connectedAt).toBeGreaterThan(connectedAt);

      const listed = await succeed('firewall.list');
      expect(Math.abs(expiryOf(listed, peer.address) - until)).toBeLessThan(5_000);
      expect(expiryOf(listed, '2001:db8:bad::/48')).toBeNaN();
      expect(JSON.stringify(listed.data)).toContain('2001:db8:bad::/48');
      expect((await requestHttp(peer, { url: `http://${node.address}/`, timeoutMs: 2_000 })).kind).toBe('no-answer');
      await succeed('firewall.unban', { targets: [peer.address, '203.0.113.9', '2001:db8:bad::/48'] });

      const uidOf = async (name: string): Promise<number> =>
        Number((await node.mustRun('/usr/bin/id', ['-u', name])).stdout);
      await expectPage('alice.example.net', '8.4', await uidOf('alice'));
      await expectPage('bob.example.net', '8.4', await uidOf('bob01'));
      expect((await node.systemctl('--failed', '--no-legend')).stdout).toBe('');
      expect(await run('php.switch-version', { account: 'alice', version: '8.4' })).toMatchObject({
        state: 'unchanged',
      });
      await succeed('php.switch-version', { account: 'alice', version: '8.2' });
      await expectPage('alice.example.net', '8.2', await uidOf('alice'));
      expect(await run('apache.reload')).toMatchObject({ state: 'unchanged' });
    });
  });

  it('is taken off again: what it made stays', async () => {
    const folder = join('/var/tmp', archive.split('/').at(-1)?.replace('.tar.gz', '') ?? '');
    await node.mustRun('/usr/local/bin/node', [`${folder}/install.mjs`, '--remove']);
    expect((await waitForNode(client, 'web1', 'down')).state).toBe('down');
    expect(await node.exists('/opt/hauban/agent')).toBe(false);
    expect(await node.exists('/etc/systemd/system/hauban-link.service')).toBe(false);
    expect(await node.readFile('/etc/logrotate.d/hauban')).toContain('/var/log/hosting/');
    const uid = Number((await node.mustRun('/usr/bin/id', ['-u', 'alice'])).stdout);
    await expectPage('alice.example.net', '8.2', uid);
  });
});
