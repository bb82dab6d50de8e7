import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestHttp } from '../http-request.ts';
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
import { snapshotNode } from './node-snapshot.ts';

const lab = labRequirements();
const SHOP = { account: ACCOUNT.name, domain: 'shop.example.org' } as const;
const WWW = `/srv/vol1/${ACCOUNT.name}/var/www`;

describe.skipIf(!lab.ok)('sites on a real node', () => {
  let hosting: HostingNode;
  const undo = async (changes: readonly unknown[]): Promise<void> => {
    const answer = await hosting.actions.call({ mode: 'undo', changes: changes as never });
    expect(expectDone(answer).problems).toEqual([]);
  };
  const status = async (domain: string, path = '/'): Promise<number> =>
    (await fetchPage(hosting.node, domain, path)).status;

  beforeAll(async () => {
    hosting = await standHostingNode({ name: 'sites', peer: true });
    for (const account of [ACCOUNT, NEIGHBOUR]) expectDone(await hosting.actions.apply('account.create', account));
  });
  afterAll(() => hosting.node.destroy());

  it('a site is made with its names and folder, twice is once, and undo leaves the machine byte for byte', async () => {
    const { node, actions } = hosting;
    const before = await snapshotNode(node);
    const args = { ...SHOP, aliases: ['www.shop.example.org'], docroot: 'shop/public' };
    const planned = expectDone(await actions.plan('site.create', args));
    expect(await snapshotNode(node)).toBe(before);
    const made = expectDone(await actions.apply('site.create', args));
    process.stderr.write(`lab: site.create took ${Math.round(made.tookMs)} ms\n`);
    expect(made.titles).toEqual(planned.titles);
    await putPage(node, ACCOUNT, 'shop/public/index.php', '<?php echo "shop ", posix_geteuid();', '0600');
    for (const domain of ['shop.example.org', 'www.shop.example.org'])
      expect(await fetchPage(node, domain)).toEqual({ status: 200, body: 'shop 100010' });
    await node.mustRun('/usr/bin/rm', [`${WWW}/shop/public/index.php`]);
    const after = await snapshotNode(node);
    expect(expectDone(await actions.apply('site.create', args)).changes).toEqual([]);
    expect(await snapshotNode(node)).toBe(after);
    await undo(made.changes);
    expect(await snapshotNode(node)).toBe(before);
    expect((await fetchPage(node, 'shop.example.org')).body).not.toContain('100010');
  });

  it('killed at each step, undo leaves the machine as it was', async () => {
    const { node, actions } = hosting;
    const args = { ...SHOP, docroot: 'kill' };
    const before = await snapshotNode(node);
    const { changes } = expectDone(await actions.plan('site.create', args));
    // Every third one: each of them costs two reloads.
    for (let dieAt = 1; dieAt < changes.length; dieAt += 3) {
      await expect(actions.apply('site.create', args, { dieAt })).rejects.toThrow();
      await undo(changes);
      expect(await snapshotNode(node), `killed at ${dieAt}`).toBe(before);
    }
    expect(await status(ACCOUNT.domain)).toBe(200);
  });

  it('is changed and removed, a copy of its file is kept, its folder stays and the default site answers', async () => {
    const { node, actions } = hosting;
    expectDone(await actions.apply('site.create', { ...SHOP, docroot: 'shop' }));
    await putPage(node, ACCOUNT, 'shop/index.php', '<?php echo "stays";', '0600');
    const before = await snapshotNode(node);
    const updated = expectDone(await actions.apply('site.update', { ...SHOP, aliases: ['b.example.org'] }));
    expect((await fetchPage(node, 'b.example.org')).body).toBe('stays');
    await undo(updated.changes);
    expect(await snapshotNode(node)).toBe(before);
    const removed = expectDone(await actions.apply('site.remove', SHOP));
    expect((await fetchPage(node, 'shop.example.org')).body).not.toContain('stays');
    expect(await node.exists(`${WWW}/shop/index.php`)).toBe(true);
    expect(await node.readFile(`/etc/hosting/removed/hosting-${ACCOUNT.name}--shop.example.org.conf`)).toContain(
      'shop',
    );
    expect(expectDone(await actions.apply('site.remove', SHOP)).changes).toEqual([]);
    await undo(removed.changes);
    expect(await snapshotNode(node)).toBe(before);
    expect((await fetchPage(node, 'shop.example.org')).body).toBe('stays');
    expectDone(await actions.apply('site.remove', SHOP));
  });

  it('a file is blocked wherever it is, for all but the exceptions; .htaccess can not lift it', async () => {
    const { node, actions } = hosting;
    const site = { account: ACCOUNT.name, domain: ACCOUNT.domain };
    await putPage(node, ACCOUNT, 'xmlrpc.php', '<?php echo "rpc";', '0600');
    const before = await snapshotNode(node);
    const args = { ...site, path: 'xmlrpc.php', allow: [`${node.address ?? '192.0.2.1'}/32`] };
    const blocked = expectDone(await actions.apply('site.block-path', args));
    await putPage(node, ACCOUNT, '.htaccess', '<Files "xmlrpc.php">\nRequire all granted\nSatisfy Any\n</Files>\n');
    for (const path of [
      '/xmlrpc.php',
      '//xmlrpc.php',
      '/%78mlrpc.php',
      '/xmlrpc.php/x',
      '/x/../xmlrpc.php',
      '/a/xmlrpc.php',
    ])
      expect(await status(ACCOUNT.domain, path), path).toBe(403);
    await node.mustRun('/usr/bin/rm', [`${WWW}/.htaccess`]);
    expect(await status(ACCOUNT.domain)).toBe(200);
    expect(await status(NEIGHBOUR.domain, '/xmlrpc.php')).toBe(404);
    const own = await requestHttp(node, { url: `http://${node.address ?? ''}/xmlrpc.php`, host: ACCOUNT.domain });
    expect(own).toMatchObject({ status: 200, body: 'rpc' });
    expect(expectDone(await actions.apply('site.block-path', args)).changes).toEqual([]);
    const lifted = expectDone(await actions.apply('site.unblock-path', { ...site, path: 'xmlrpc.php' }));
    expect(await status(ACCOUNT.domain, '/xmlrpc.php')).toBe(200);
    expect(await snapshotNode(node)).toBe(before);
    await undo(lifted.changes);
    expect(await status(ACCOUNT.domain, '/xmlrpc.php')).toBe(403);
    await undo(blocked.changes);
    expect(await snapshotNode(node)).toBe(before);
  });

  it('control: with a <Files> section in the site, .htaccess lifts the block', async () => {
    const { node } = hosting;
    const path = `/etc/apache2/conf-enabled/files.conf`;
    await node.writeFile(
      path,
      `<Directory "${WWW}">\n<Files "xmlrpc.php">\nRequire all denied\n</Files>\n</Directory>\n`,
    );
    await node.mustRun('/usr/sbin/apache2ctl', ['graceful']);
    await expect.poll(() => status(ACCOUNT.domain, '/xmlrpc.php')).toBe(403);
    await putPage(node, ACCOUNT, '.htaccess', '<Files "xmlrpc.php">\nRequire all granted\n</Files>\n');
    expect(await status(ACCOUNT.domain, '/xmlrpc.php')).toBe(200);
    await node.mustRun('/usr/bin/rm', [`${WWW}/.htaccess`, path]);
    await node.mustRun('/usr/sbin/apache2ctl', ['graceful']);
    await expect.poll(() => status(ACCOUNT.domain, '/xmlrpc.php')).toBe(200);
  });

  describe('attacks', () => {
    it.each<[string, object, RegExp]>([
      ['the domain of another account', { domain: NEIGHBOUR.domain }, /b\.example\.net is a site already/],
      [
        'an alias that is the domain of another account',
        { aliases: [NEIGHBOUR.domain] },
        /b\.example\.net is a site already/,
      ],
      [
        'an alias with a new line and a directive',
        { aliases: ['x.example.org\n  Include /etc/shadow'] },
        /control|alias/i,
      ],
      ['a domain with a directive', { domain: 'x.example.org Include /etc/shadow' }, /domain/i],
      ['a folder above', { docroot: `../../../${NEIGHBOUR.name}/var/www` }, /docroot/i],
      ['a folder by absolute path', { docroot: '/etc' }, /docroot/i],
      ['a folder with a quote', { docroot: 'x"> Include /etc/shadow' }, /docroot/i],
      ['a hidden folder', { docroot: '.git' }, /docroot/i],
    ])('%s is refused and nothing changes', async (_, more, wanted) => {
      const before = await snapshotNode(hosting.node);
      const answer = await hosting.actions.apply('site.create', { ...SHOP, ...more });
      expect(answer).toMatchObject({ ok: false, detail: expect.stringMatching(wanted) });
      expect(await snapshotNode(hosting.node)).toBe(before);
    });

    it('a folder that is a link is refused; one that becomes a link later shows nothing of the neighbour', async () => {
      const { node, actions } = hosting;
      const home = `/srv/vol1/${NEIGHBOUR.name}/var/www`;
      await putPage(node, NEIGHBOUR, 'style.css', 'the neighbour', '0644');
      await node.mustRun('/usr/bin/ln', ['-s', home, `${WWW}/link`]);
      expect(await actions.apply('site.create', { ...SHOP, docroot: 'link' })).toMatchObject({
        ok: false,
        detail: expect.stringContaining('is a link or no folder'),
      });
      expectDone(await actions.apply('site.create', { ...SHOP, docroot: 'later' }));
      await node.mustRun('/usr/bin/rmdir', [`${WWW}/later`]);
      await node.mustRun('/usr/bin/mv', [`${WWW}/link`, `${WWW}/later`]);
      await node.mustRun('/usr/bin/chown', ['-h', '100010:100010', `${WWW}/later`]);
      expect(await fetchPage(node, 'shop.example.org', '/style.css')).toMatchObject({ status: 403 });
      // Control: the same site with a section for its own folder alone, as panels write it.
      const file = `/etc/apache2/sites-available/hosting-${ACCOUNT.name}--shop.example.org.conf`;
      const good = await node.readFile(file);
      await node.writeFile(file, good.replace(`<Directory "${WWW}">`, `<Directory "${WWW}/later">`));
      await node.mustRun('/usr/sbin/apache2ctl', ['graceful']);
      await expect
        .poll(() => fetchPage(node, 'shop.example.org', '/style.css'))
        .toEqual({ status: 200, body: 'the neighbour' });
      // And a file that was changed by hand is not touched.
      for (const action of ['site.update', 'site.remove'])
        expect(await actions.apply(action, action === 'site.update' ? { ...SHOP, docroot: '' } : SHOP)).toMatchObject({
          ok: false,
          detail: expect.stringContaining('changed by hand'),
        });
      await node.writeFile(file, good);
      await node.mustRun('/usr/sbin/apache2ctl', ['graceful']);
      expectDone(await actions.apply('site.remove', SHOP));
    });

    it('a site is not removed when another account would answer for its name', async () => {
      const { node, actions } = hosting;
      const link = '/etc/apache2/sites-enabled/000-default.conf';
      await node.mustRun('/usr/bin/mv', [link, '/etc/apache2/kept']);
      expect(await actions.plan('site.remove', { account: NEIGHBOUR.name, domain: NEIGHBOUR.domain })).toMatchObject({
        ok: false,
        detail: expect.stringContaining('of another account would answer'),
      });
      await node.mustRun('/usr/bin/mv', ['/etc/apache2/kept', link]);
    });
  });
});
