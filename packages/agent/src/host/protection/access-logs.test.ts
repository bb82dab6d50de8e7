import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAbout, parseAccessLine } from './access-line.ts';
import { readAskers, type AskersWish } from './access-logs.ts';

const line = (
  address: string,
  request = 'POST /xmlrpc.php HTTP/1.1',
  time = '22/Nov/2026:18:00:00 +0100',
  user = '-',
) => `${address} - ${user} [${time}] "${request}" 200 674 "-" "curl/7.88"`;
const AT = Date.parse('2026-11-22T17:00:00Z');

describe('a line of an access log', () => {
  it('is read with its zone, whatever its request says', () => {
    expect(parseAccessLine(line('192.0.2.7'))).toEqual({
      target: '192.0.2.7',
      at: AT,
      method: 'POST',
      path: '/xmlrpc.php',
    });
    expect(parseAccessLine(line('2001:db8:1:2:3::4'))?.target).toBe('2001:db8:1:2::/64');
    expect(parseAccessLine(line('192.0.2.7', 'GET http://a.test//blog//xmlrpc%2Ephp?x=1 HTTP/1.1'))?.path).toBe(
      '/blog/xmlrpc.php',
    );
    expect(parseAccessLine(line('192.0.2.7', 'POST /%ff%fe HTTP/1.1'))?.path).toBe('/%ff%fe');
  });

  it.each([
    [
      'a login name that looks like the rest of another line',
      line('192.0.2.9', 'GET / HTTP/1.1', undefined, 'x [22/Nov/2026:18:00:00 +0100] \\"POST /xmlrpc.php'),
    ],
    [
      'a referrer that looks like a request',
      `${line('192.0.2.9', 'GET / HTTP/1.1')} [22/Nov/2026:18:00:00 +0100] \\"POST /xmlrpc.php x\\"`,
    ],
  ])('attack: %s is not taken for a request of its own', (_attack, text) => {
    expect(parseAccessLine(text)).toMatchObject({ target: '192.0.2.9', method: 'GET', path: '/' });
  });

  it.each([
    '',
    'x',
    line('neighbour.example'),
    line('010.1.1.1'),
    line('192.0.2.7', '-'),
    line('192.0.2.7', undefined, '22/Foo/2026:18:00:00 +0100'),
  ])('attack: %j is no request', (text) => expect(parseAccessLine(text)).toBeNull());

  it('is about a file wherever it is, or at one place', () => {
    expect(['/xmlrpc.php', '/blog/xmlrpc.php', '/xmlrpc.php/x'].every((path) => isAbout(path, 'xmlrpc.php'))).toBe(
      true,
    );
    expect(['/my-xmlrpc.php', '/xmlrpc.phps', '/'].some((path) => isAbout(path, 'xmlrpc.php'))).toBe(false);
    expect(isAbout('/admin/login.php', 'admin/login.php')).toBe(true);
    expect(isAbout('/x/admin/login.php', 'admin/login.php')).toBe(false);
  });
});

describe('who asked for a file', () => {
  let root = '';
  const wish: AskersWish = { file: 'xmlrpc.php', since: AT - 1000, everyMethod: false };
  const trust = () => ({ base: root, ownerUid: process.getuid?.() ?? 0 });
  const ask = (more: Partial<AskersWish> = {}) => readAskers({ ...wish, ...more }, trust(), root);
  const log = (account: string, name: string, ...lines: readonly string[]): void => {
    mkdirSync(join(root, account), { recursive: true, mode: 0o750 });
    writeFileSync(join(root, account, name), lines.map((text) => `${text}\n`).join(''));
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hauban-logs-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('is counted over all sites, the busiest first, older requests and other methods left out', async () => {
    const old = line('192.0.2.9', undefined, '22/Nov/2026:17:00:00 +0100');
    log('shop', 'a.example.access.log', line('192.0.2.7'), line('192.0.2.8'), old);
    log('shop', 'a.example.access.log.1', line('192.0.2.7'));
    log('shop', 'a.example.error.log', line('192.0.2.66'));
    log('blog', 'b.example.access.log', line('192.0.2.7'), line('192.0.2.9', 'GET /xmlrpc.php HTTP/1.1'));
    expect(await ask()).toEqual({
      askers: [
        { target: '192.0.2.7', requests: 3, sites: 2 },
        { target: '192.0.2.8', requests: 1, sites: 1 },
      ],
      logs: 3,
      isCut: false,
    });
    expect((await ask({ account: 'blog' })).askers).toEqual([{ target: '192.0.2.7', requests: 1, sites: 1 }]);
    expect((await ask({ everyMethod: true })).askers).toHaveLength(3);
  });

  it('is counted at the end of a log that is too long, whole lines only', async () => {
    const filler = `${line('192.0.2.1', 'GET / HTTP/1.1').padEnd(199, 'x')}\n`.repeat(170_000);
    log('shop', 'a.example.access.log', line('192.0.2.7'), `${filler}${line('192.0.2.8')}`);
    expect(await ask()).toEqual({ askers: [{ target: '192.0.2.8', requests: 1, sites: 1 }], logs: 1, isCut: true });
  });

  it('attack: a link, a folder and a pipe in the place of a log are not read, nor is a name that leads out', async () => {
    log('shop', 'a.example.access.log', line('192.0.2.7'));
    log('secret', 'other', line('192.0.2.66'));
    symlinkSync(join(root, 'secret/other'), join(root, 'shop/b.example.access.log'));
    mkdirSync(join(root, 'shop/c.example.access.log'));
    symlinkSync(join(root, 'secret'), join(root, 'linked'));
    await expect(ask()).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    rmSync(join(root, 'linked'));
    expect((await ask()).askers).toEqual([{ target: '192.0.2.7', requests: 1, sites: 1 }]);
    expect((await ask({ account: '../shop' })).logs).toBe(0);
  });
});
