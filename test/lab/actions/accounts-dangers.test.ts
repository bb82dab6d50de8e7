import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../program.ts';
import { labRequirements } from '../requirements.ts';
import { ACCOUNT, expectDone, NEIGHBOUR, standHostingNode, type HostingNode } from './hosting-node.ts';

/** Attacks of a customer on root, through his own files and keys; each with a control that shows that it would work. */
const lab = labRequirements();
const { name, uid } = ACCOUNT;
const as = { uid, gid: uid };
const WEB = `/srv/vol1/${name}/var/www`;

describe.skipIf(!lab.ok)('dangers of accounts on a real node', () => {
  let hosting: HostingNode;
  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'acc-dangers' });
    for (const account of [NEIGHBOUR, ACCOUNT]) expectDone(await hosting.actions.apply('account.create', account));
  });
  afterAll(() => hosting.node.destroy());

  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await hosting.node.mustRun(program, args)).stdout;
  const metaOf = async (path: string): Promise<string> =>
    (await run('/usr/bin/stat', '-c', '%a %u:%g %h', path)).trim();

  describe('account.fix-permissions', () => {
    const fix = () => hosting.actions.apply('account.fix-permissions', { name });

    it('puts modes and owners right, keeps what is stricter, finds nothing the second time; undo gives it back', async () => {
      const { node, actions } = hosting;
      const files = {
        'style.css': ['600', '0644'],
        'index.html': ['666', '0644'],
        'run.sh': ['777', '0644'],
        'cgi.pl': ['4755', '0755'],
        'shop.php': ['644', '0600'],
        'configuration.php': ['400', '0400'],
        '.env': ['604', '0600'],
        '.htaccess': ['604', '0604'],
      } as const;
      await run('/usr/bin/mkdir', '-p', `${WEB}/open/deep`);
      await run('/usr/bin/chmod', '777', `${WEB}/open`);
      for (const [file, [mode]] of Object.entries(files)) {
        await node.writeFile(`${WEB}/open/deep/${file}`, 'x');
        await run('/usr/bin/chown', file === 'style.css' ? '33:33' : `${uid}:${uid}`, `${WEB}/open/deep/${file}`);
        await run('/usr/bin/chmod', mode, `${WEB}/open/deep/${file}`);
      }
      const before = await run('/usr/bin/find', WEB, '-printf', '%m %U:%G %P\n');
      const done = expectDone(await fix());
      expect(done.notes.join('\n')).toContain('open/deep/style.css: 0600 33:33 -> 0644 100010:100010');
      for (const [file, [, wanted]] of Object.entries(files))
        expect(await metaOf(`${WEB}/open/deep/${file}`), file).toBe(`${Number(wanted)} ${uid}:${uid} 1`);
      expect(await metaOf(`${WEB}/open`)).toMatch(/^755 /);
      expect(expectDone(await fix()).changes).toEqual([]);
      expect(expectDone(await actions.call({ mode: 'undo', changes: done.changes })).problems).toEqual([]);
      // Set-id bits alone do not come back.
      expect(await run('/usr/bin/find', WEB, '-printf', '%m %U:%G %P\n')).toBe(before.replace('4755 ', '755 '));
      await run('/usr/bin/rm', '-r', `${WEB}/open`);
    });

    it('killed in the middle, the list of what was before is whole, and undo gives it back', async () => {
      const { node, actions } = hosting;
      const many = `const fs=require('fs');fs.mkdirSync('${WEB}/many');for(let i=0;i<3000;i+=1){const f='${WEB}/many/'+i+'.css';fs.writeFileSync(f,'x');fs.chmodSync(f,0o666)}`;
      await node.mustRun(process.execPath, ['-e', many], { as });
      const listed = ['/usr/bin/find', WEB, '-printf', '%m %U:%G %P\n'] as const;
      const before = await run(...listed);
      const { changes } = expectDone(await actions.plan('account.fix-permissions', { name }));
      const input = JSON.stringify({ mode: 'apply', action: 'account.fix-permissions', args: { name }, dieAt: 1 });
      for (let round = 0; round < 3; round += 1) {
        await node.run(process.execPath, [actions.file], { input });
        expect(expectDone(await actions.call({ mode: 'undo', changes })).problems).toEqual([]);
        expect(await run(...listed)).toBe(before);
      }
      await run('/usr/bin/rm', '-r', `${WEB}/many`);
    });

    it('fifos, sockets, devices, links and hard links to files of root are left alone; control: chmod -R and chown -R take them', async () => {
      const { node } = hosting;
      await node.writeFile('/srv/vol1/secret', 'of root', 0o600);
      await run('/usr/bin/mkfifo', `${WEB}/pipe`);
      await run('/usr/bin/mknod', `${WEB}/null`, 'c', '1', '3');
      await run('/usr/bin/ln', '-s', '/srv/vol1/secret', `${WEB}/soft`);
      await run('/usr/bin/ln', '/srv/vol1/secret', `${WEB}/hard.css`);
      const before = [await metaOf('/srv/vol1/secret'), await metaOf(`${WEB}/pipe`), await metaOf(`${WEB}/null`)];
      const done = expectDone(await fix());
      expect(done.notes.join('\n')).toMatch(/Left alone: .*2 fifos, sockets and devices/);
      expect(done.notes.join('\n')).toMatch(/1 hard links of others/);
      expect([await metaOf('/srv/vol1/secret'), await metaOf(`${WEB}/pipe`), await metaOf(`${WEB}/null`)]).toEqual(
        before,
      );
      await run('/usr/bin/chown', '-R', `${uid}:${uid}`, WEB);
      expect((await node.run('/usr/bin/cat', ['/srv/vol1/secret'], { as })).stdout).toBe('of root');
      for (const left of ['pipe', 'null', 'soft', 'hard.css']) await run('/usr/bin/rm', `${WEB}/${left}`);
      await run('/usr/bin/rm', '/srv/vol1/secret');
    });

    it('a name that is turned into a link all the time never leads to a file of root; control: find -exec chmod is led there', async () => {
      const { node } = hosting;
      await node.writeFile('/srv/vol1/secret', 'of root', 0o600);
      await node.mustRun('/usr/bin/mkdir', [`${WEB}/flip`], { as });
      // rename(2) over the name, again and again: a file, a link, a file ...
      const flip = `const fs=require('fs');process.chdir('${WEB}/flip');process.stdout.write('flips\\n');for(;;){fs.writeFileSync('a','x');fs.renameSync('a','name.css');fs.symlinkSync('/srv/vol1/secret','b');fs.renameSync('b','name.css');}`;
      const attacker = await node.spawn(process.execPath, ['-e', flip], { as });
      await attacker.waitForOutput('flips');
      for (let round = 0; round < 12; round += 1) {
        await hosting.actions.apply('account.fix-permissions', { name });
        expect(await metaOf('/srv/vol1/secret')).toBe('600 0:0 1');
      }
      const isLed = await waitUntil(
        'find to be led to the file of root',
        async () => {
          await node.run('/usr/bin/find', [WEB, '-type', 'f', '-exec', '/usr/bin/chmod', '0644', '{}', '+']);
          return (await metaOf('/srv/vol1/secret')).startsWith('644');
        },
        { timeoutMs: 120_000 },
      );
      expect(isLed).toBe(true);
      await attacker.stop('SIGKILL');
      await run('/usr/bin/rm', '-r', `${WEB}/flip`);
      await run('/usr/bin/rm', '/srv/vol1/secret');
    });

    it('a folder that is a link is not entered', async () => {
      const { node, actions } = hosting;
      await node.mustRun('/usr/bin/ln', ['-s', '/etc', `${WEB}/elsewhere`], { as });
      const before = await metaOf('/etc/passwd');
      expect(await actions.apply('account.fix-permissions', { name, path: 'var/www/elsewhere' })).toMatchObject({
        ...{ ok: false, code: 'FILE_FAILED' },
        detail: expect.stringContaining('can not be entered'),
      });
      expect(await metaOf('/etc/passwd')).toBe(before);
      await run('/usr/bin/rm', `${WEB}/elsewhere`);
    });
  });

  describe('logging in', () => {
    const KEY = '/etc/login-key';
    const login = (port: number) =>
      hosting.node.run('/usr/bin/ssh', [
        ...['-i', KEY, '-p', String(port), '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
        ...['-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', `${name}@127.0.0.1`, '/usr/bin/id', '-u'],
      ]);
    let publicKey = '';
    beforeAll(async () => {
      const { node } = hosting;
      await run('/usr/bin/mkdir', '-p', '/run/sshd', '/etc/ssh/sshd_config.d');
      await run('/usr/bin/ssh-keygen', '-A');
      await run('/usr/bin/ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'laptop', '-f', KEY);
      publicKey = (await node.readFile(`${KEY}.pub`)).trim();
      await node.writeFile(
        '/etc/ssh/sshd_config.d/hosting.conf',
        `Port 2222\nUsePAM yes\nMatch User w4a*\n  AuthorizedKeysFile /etc/ssh/hosting_keys/%u\n`,
      );
      await run('/usr/sbin/sshd', '-E', '/var/log/sshd.log');
    });

    it('set-ssh-keys opens the door, sshd reads the file, undo closes it; a file in the home means nothing', async () => {
      const { node, actions } = hosting;
      await run('/usr/sbin/usermod', '--shell', '/bin/sh', name);
      // What lies in the home is not asked.
      await node.writeFile(`/srv/vol1/${name}/.ssh/authorized_keys`, `${publicKey}\n`);
      await run('/usr/bin/chown', '-R', `${uid}:${uid}`, `/srv/vol1/${name}/.ssh`);
      expect((await login(2222)).code).not.toBe(0);
      const done = expectDone(await actions.apply('account.set-ssh-keys', { name, keys: [publicKey] }));
      expect(done.notes).toEqual([]);
      expect(await login(2222)).toMatchObject({ code: 0, stdout: `${uid}\n` });
      expect(expectDone(await actions.apply('account.set-ssh-keys', { name, keys: [publicKey] })).changes).toEqual([]);
      expect(expectDone(await actions.call({ mode: 'undo', changes: done.changes })).problems).toEqual([]);
      expect((await login(2222)).code).not.toBe(0);
      await run('/usr/bin/rm', '-r', `/srv/vol1/${name}/.ssh`);
    });

    it('a suspended account does not log in by key; control: with its password locked only, it does', async () => {
      const { actions } = hosting;
      expectDone(await actions.apply('account.set-ssh-keys', { name, keys: [publicKey] }));
      await run('/usr/sbin/usermod', '-L', name);
      expect(await login(2222)).toMatchObject({ code: 0, stdout: `${uid}\n` });
      expectDone(await actions.apply('account.suspend', { name, reason: 'abuse' }));
      // Not only the shell: the account has expired.
      await run('/usr/sbin/usermod', '--shell', '/bin/sh', name);
      expect((await login(2222)).code).not.toBe(0);
      expectDone(await actions.apply('account.unsuspend', { name }));
      expect((await login(2222)).code).toBe(0);
    });
  });
});
