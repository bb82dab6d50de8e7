import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestHttp } from '../http-request.ts';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import {
  ACCOUNT,
  expectDone,
  fetchPage,
  NEIGHBOUR,
  putPage,
  standHostingNode,
  type HostingNode,
} from './hosting-node.ts';

/** Attacks of one customer on another, and of hostile arguments on root; each with a control that shows that it would work. */
const lab = labRequirements();
const SECRET = 'the password of the neighbour';
/** Prints a file of the neighbour, run by whichever PHP it reaches. */
const THIEF = `<?php echo posix_geteuid(), ' ', @file_get_contents('/srv/vol1/${NEIGHBOUR.name}/var/www/config.php') ?: 'nothing';`;

describe.skipIf(!lab.ok)('dangers on a real node', () => {
  let hosting: HostingNode;
  const htaccess = (text: string): Promise<void> => putPage(hosting.node, ACCOUNT, '.htaccess', text);

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'dangers', peer: true });
    const { node, actions } = hosting;
    for (const account of [ACCOUNT, NEIGHBOUR]) expectDone(await actions.apply('account.create', account));
    await putPage(node, NEIGHBOUR, 'config.php', SECRET, '0400');
    await putPage(node, ACCOUNT, 'thief.php', THIEF, '0644');
  });
  afterAll(() => hosting.node.destroy());

  describe("a neighbour's PHP reached through .htaccess", () => {
    const hijacks = (socket: string): readonly string[] => [
      `<Files "thief.php">\nSetHandler "proxy:unix:${socket}|fcgi://localhost/"\n</Files>\n`,
      `RewriteEngine On\nRewriteRule ^thief\\.php$ - [H=proxy:unix:${socket}|fcgi://localhost/]\n`,
      `RewriteEngine On\nRewriteRule ^steal$ unix:${socket}|fcgi://localhost/srv/vol1/${ACCOUNT.name}/var/www/thief.php [P]\n`,
    ];
    const attack = async (line: string): Promise<{ status: number; body: string }> => {
      await htaccess(line);
      return fetchPage(hosting.node, ACCOUNT.domain, line.includes('^steal$') ? '/steal' : '/thief.php');
    };

    it.each([0, 1, 2])('does not see the attacker’s file (way %i)', async (way) => {
      for (const socket of [`/run/hosting/${NEIGHBOUR.name}.sock`, `/run/hosting/${NEIGHBOUR.name}/8.2.sock`]) {
        const reply = await attack(hijacks(socket)[way] ?? '');
        expect(reply.body).not.toContain(SECRET);
        expect(reply.body).not.toContain('100011');
        expect([403, 404, 500, 503]).toContain(reply.status);
      }
    });

    it.each([0, 1, 2])('control: with one shared PHP master the same line steals the file (way %i)', async (way) => {
      const { node } = hosting;
      const socket = '/run/shared-neighbour.sock';
      const pool = `[global]\ndaemonize = no\nerror_log = /var/log/shared.log\n[n]\nuser = 100011\ngroup = 100011\nlisten = ${socket}\nlisten.group = www-data\nlisten.mode = 0660\npm = static\npm.max_children = 1\n`;
      await node.writeFile('/run/shared.conf', pool);
      const master = await node.spawn('/usr/sbin/php-fpm8.2', ['-F', '-y', '/run/shared.conf']);
      await waitUntil('the shared master', () => node.exists(socket));
      expect(await attack(hijacks(socket)[way] ?? '')).toEqual({ status: 200, body: `100011 ${SECRET}` });
      await master.stop('SIGQUIT');
      await node.run('/usr/bin/rm', ['-f', socket]);
    });

    it('the account’s own page still works', async () => {
      await htaccess('');
      expect(await fetchPage(hosting.node, ACCOUNT.domain, '/thief.php')).toEqual({
        status: 200,
        body: '100010 nothing',
      });
    });
  });

  it('PHP of an account sees no other home, no other process, no capability, and not the executor', async () => {
    const look = `<?php echo json_encode(['homes' => scandir('/srv/vol1'), 'sockets' => scandir('/run/hosting'), 'run' => scandir('/run'), 'config' => scandir('/etc/hosting/php'), 'status' => file_get_contents('/proc/self/status'), 'processes' => preg_grep('/^\\d+$/', scandir('/proc'))]);`;
    await putPage(hosting.node, ACCOUNT, 'look.php', look);
    const saw = JSON.parse((await fetchPage(hosting.node, ACCOUNT.domain, '/look.php')).body) as {
      homes: string[];
      sockets: string[];
      run: string[];
      config: string[];
      status: string;
      processes: Record<string, string>;
    };
    expect(saw.homes).toEqual(['.', '..', ACCOUNT.name]);
    expect(saw.sockets).toEqual(['.', '..', ACCOUNT.name]);
    expect(saw.config).toEqual(['.', '..', ACCOUNT.name]);
    expect(saw.run).toEqual(['.', '..', 'hosting']);
    expect(saw.status).toMatch(/^Uid:\s+100010\s+100010\s+100010\s+100010$/m);
    expect(saw.status).toMatch(/^Groups:\s+100010 ?$/m);
    for (const set of ['CapPrm', 'CapEff', 'CapAmb']) expect(saw.status).toMatch(new RegExp(`^${set}:\\s+0+$`, 'm'));
    // The reaper, the master and the worker itself.
    expect(Object.keys(saw.processes).length).toBeLessThanOrEqual(4);
  });

  it('what PHP makes can be read by Apache, as it could before', async () => {
    await putPage(
      hosting.node,
      ACCOUNT,
      'make.php',
      '<?php file_put_contents("made.css", "body{}"); mkdir("d"); echo "ok";',
    );
    await fetchPage(hosting.node, ACCOUNT.domain, '/make.php');
    expect(await fetchPage(hosting.node, ACCOUNT.domain, '/made.css')).toEqual({ status: 200, body: 'body{}' });
  });

  it.each([
    'php_value memory_limit 1G\n',
    'php_flag display_errors on\n',
    'Options +FollowSymLinks\n',
    'Options FollowSymLinks -Indexes\n',
    'Options All\n',
    'AddHandler application/x-httpd-php .html\n',
    'SomeGarbage words\n',
  ])('.htaccess with %j is served, not a 500 for the whole site', async (text) => {
    await htaccess(text);
    expect((await fetchPage(hosting.node, ACCOUNT.domain, '/')).status).toBe(200);
    await htaccess('');
  });

  it("a link to a neighbour's readable file is refused by Apache", async () => {
    const { node } = hosting;
    await putPage(node, NEIGHBOUR, 'style.css', 'body{}', '0644');
    await node.mustRun('/usr/bin/ln', [
      '-s',
      `/srv/vol1/${NEIGHBOUR.name}/var/www/style.css`,
      `/srv/vol1/${ACCOUNT.name}/var/www/link.css`,
    ]);
    for (const text of ['', 'Options +FollowSymLinks\n']) {
      await htaccess(text);
      expect((await fetchPage(node, ACCOUNT.domain, '/link.css')).status).toBe(403);
    }
    // Control: the neighbour's own site serves it.
    expect((await fetchPage(node, NEIGHBOUR.domain, '/style.css')).status).toBe(200);
    await htaccess('');
  });

  it('the probe page answers the node itself only, and its folder shows nothing else', async () => {
    const { node } = hosting;
    expect((await fetchPage(node, ACCOUNT.domain, '/.well-known/hauban-probe')).status).toBe(200);
    const { peer, address } = node;
    const url = (path: string): string => `http://${address ?? ''}${path}`;
    const outside = (path: string) =>
      peer === null ? null : requestHttp(peer, { url: url(path), host: ACCOUNT.domain });
    expect(await outside('/')).toMatchObject({ status: 200 });
    expect(await outside('/.well-known/hauban-probe')).toMatchObject({ status: 403 });
    expect((await fetchPage(node, ACCOUNT.domain, '/.well-known/hauban-probe/8.2.conf')).status).not.toBe(200);
    expect((await fetchPage(node, ACCOUNT.domain, '/.well-known/hauban-probe/../8.2.conf')).status).not.toBe(200);
  });

  describe('account names', () => {
    it.each(['../evil', '.hidden', 'a$b', 'a`id`b', 'a|b', 'a;b', '$(id)', 'é', 'A_B', '1abc'])(
      '%j is refused by us; control: useradd takes it',
      async (name) => {
        const { node, actions } = hosting;
        expect(
          await actions.apply('account.create', { ...ACCOUNT, name, uid: 100_200, domain: 'evil.example.net' }),
        ).toMatchObject({
          ok: false,
          code: 'ACTION_ARGUMENTS',
        });
        const control = await node.run('/usr/sbin/useradd', ['--badname', '--no-create-home', '--', name]);
        const plain =
          control.code === 0 ? control : await node.run('/usr/sbin/useradd', ['--no-create-home', '--', name]);
        expect(plain.code, plain.stderr).toBe(0);
        await node.run('/usr/sbin/userdel', ['--', name]);
      },
    );
  });

  it('an account has no subordinate ids; control: a plain useradd gives a range of other accounts’ real uids', async () => {
    const { node } = hosting;
    expect(await node.readFile('/etc/subuid')).not.toContain(ACCOUNT.name);
    await node.mustRun('/usr/sbin/useradd', [
      ...['-K', 'UID_MAX=2000000', '--uid', '100300'],
      '--no-create-home',
      'plain',
    ]);
    const [, first = '', count = ''] = /^plain:(\d+):(\d+)$/m.exec(await node.readFile('/etc/subuid')) ?? [];
    expect(Number(first)).toBeLessThanOrEqual(NEIGHBOUR.uid);
    expect(Number(first) + Number(count)).toBeGreaterThan(NEIGHBOUR.uid);
    await node.mustRun('/usr/sbin/userdel', ['plain']);
  });

  describe('writing as root', () => {
    const write = (path: string) => hosting.actions.call({ mode: 'file', path });

    it('never below what a customer can write, nor through a link', async () => {
      const { node } = hosting;
      const home = `/srv/vol1/${ACCOUNT.name}`;
      expect(await write(`${home}/var/www/x`)).toMatchObject({
        ok: false,
        code: 'FILE_UNSAFE',
        detail: expect.stringContaining('belongs to uid 100010'),
      });
      expect(await write(`${home}/tmp/x`)).toMatchObject({ ok: false, code: 'FILE_UNSAFE' });
      expect(await write('/tmp/x')).toMatchObject({
        ok: false,
        code: 'FILE_UNSAFE',
        detail: expect.stringContaining('may be written by others'),
      });
      await node.mustRun('/usr/bin/ln', ['-s', '/etc', '/srv/vol1/link']);
      expect(await write('/srv/vol1/link/x')).toMatchObject({
        ok: false,
        code: 'FILE_UNSAFE',
        detail: expect.stringContaining('not followed'),
      });
      await node.mustRun('/usr/bin/rm', ['/srv/vol1/link']);
      for (const path of ['etc/x', '/etc/../etc/x', '/etc//x', '/etc/x/', '/etc/./x', '/etc/x\u0000y', '/'])
        expect(await write(path), path).toMatchObject({ ok: false, code: 'FILE_UNSAFE' });
    });

    it('replaces a link that lies where a file is to be written, and not what it points to', async () => {
      const { node } = hosting;
      await node.writeFile('/etc/victim', 'untouched');
      await node.mustRun('/usr/bin/ln', ['-s', '/etc/victim', '/etc/target']);
      await node.mustRun('/usr/bin/ln', ['-s', '/etc/victim', '/etc/.target.hauban-tmp']);
      expect(await write('/etc/target')).toMatchObject({ ok: true });
      expect(await node.readFile('/etc/victim')).toBe('untouched');
      expect((await node.mustRun('/usr/bin/stat', ['-c', '%F', '/etc/target'])).stdout).toBe('regular file\n');
    });
  });

  it('nft is never given text of its own language; control: one argument of it deletes a table', async () => {
    const { node, actions } = hosting;
    await node.mustRun('/usr/sbin/nft', ['add', 'table', 'inet', 'theirs']);
    await node.mustRun('/usr/sbin/nft', ['add', 'set', 'inet', 'theirs', 's', '{ type ipv4_addr; }']);
    const evil = '{ 1.2.3.4 }; delete table inet theirs; #';
    expect(await actions.apply('firewall.ban', { targets: [evil], durationS: 60 })).toMatchObject({
      ok: false,
      code: 'ACTION_ARGUMENTS',
    });
    expect((await node.mustRun('/usr/sbin/nft', ['list', 'tables'])).stdout).toContain('theirs');
    expect((await node.run('/usr/sbin/nft', ['add', 'element', 'inet', 'theirs', 's', evil])).code).toBe(0);
    expect((await node.mustRun('/usr/sbin/nft', ['list', 'tables'])).stdout).not.toContain('theirs');
  });
});
