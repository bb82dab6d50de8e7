import { describe, expect, it } from 'vitest';
import { formatPrefix, type PhpMaster } from '@hauban/shared/actions';
import { parseModules, parseSites } from './apache-listing.ts';
import { parseGroup, parseUser } from './accounts.ts';
import { decodeFastCgiAnswer, encodeFastCgiRequest, parseCgiOutput } from './fastcgi-client.ts';
import { parsePeers, parseProcAddress } from './never-ban.ts';
import { changeCommands, hasTable, neverCommands, parseTable, rebuildCommands } from './nft-table.ts';
import { countConnections } from './php.ts';
import { isInTheWay, parseListeners } from './tcp-listeners.ts';
import { parseListens } from './web/nginx.ts';
import { bubblewrapArguments, unitText } from './php-sandbox.ts';

describe("apache2ctl's listings", () => {
  it('reads sites with their place, aliases and default', () => {
    const text = `VirtualHost configuration:
*:80                   is a NameVirtualHost
         default server node (/etc/apache2/sites-enabled/000-default.conf:1)
         port 80 namevhost node (/etc/apache2/sites-enabled/000-default.conf:1)
         port 80 namevhost a.example (/etc/apache2/sites-enabled/a.conf:2)
                 alias www.a.example
                 wild alias *.a.example
*:443                  tls.example (/etc/apache2/sites-enabled/t.conf:7)
ServerRoot: "/etc/apache2"
Main DocumentRoot: "/var/www/html"
`;
    const base = { aliases: [], secure: false, isDefault: false };
    expect(parseSites(text, (file, line) => file.endsWith('t.conf') && line === 7)).toEqual([
      {
        ...base,
        serverName: 'node',
        file: '/etc/apache2/sites-enabled/000-default.conf',
        line: 1,
        port: 80,
        isDefault: true,
      },
      {
        ...base,
        serverName: 'a.example',
        file: '/etc/apache2/sites-enabled/a.conf',
        line: 2,
        port: 80,
        aliases: ['www.a.example', '*.a.example'],
      },
      {
        ...base,
        serverName: 'tls.example',
        file: '/etc/apache2/sites-enabled/t.conf',
        line: 7,
        port: 443,
        secure: true,
        isDefault: true,
      },
    ]);
  });
  it('reads modules', () => {
    expect(parseModules('Loaded Modules:\n core_module (static)\n proxy_fcgi_module (shared)\n')).toEqual([
      'core',
      'proxy_fcgi',
    ]);
  });
});

it('reads entries of passwd and group', () => {
  expect(parseUser('a:x:5:6:Mr A,room:/home/a:/bin/sh'.split(':'))).toEqual({
    name: 'a',
    uid: 5,
    gid: 6,
    comment: 'Mr A,room',
    home: '/home/a',
    shell: '/bin/sh',
  });
  expect(parseGroup('g:x:6:a,b'.split(':'))).toEqual({ name: 'g', gid: 6, members: ['a', 'b'] });
  expect(parseGroup('g:x:6:'.split(':'))).toEqual({ name: 'g', gid: 6, members: [] });
});

describe('FastCGI', () => {
  const record = (type: number, content: string): Buffer =>
    Buffer.concat([
      Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 2, 0]),
      Buffer.from(content),
      Buffer.from([0, 0]),
    ]);

  it('writes lengths of one and of four bytes', () => {
    const bytes = encodeFastCgiRequest({ A: 'b', LONG: 'x'.repeat(300) });
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from([1, 1, 0, 1, 0, 8, 0, 0]));
    expect(bytes.includes(Buffer.from([1, 1, 0x41, 0x62]))).toBe(true);
    expect(bytes.includes(Buffer.from([4, 0x80, 0, 1, 44, 0x4c]))).toBe(true);
  });
  it('waits for the end record, then gives standard output without errors', () => {
    const whole = Buffer.concat([
      record(6, 'Status: 404 x\r\n\r\nbo'),
      record(7, 'PHP message'),
      record(6, 'dy'),
      record(3, '12345678'),
    ]);
    for (let cut = 0; cut < whole.length; cut += 1) expect(decodeFastCgiAnswer(whole.subarray(0, cut))).toBeNull();
    expect(parseCgiOutput(decodeFastCgiAnswer(whole)?.toString() ?? '')).toEqual({ status: 404, body: 'body' });
  });
  it('takes 200 when there is no status, and no body when there is no end of the head', () => {
    expect(parseCgiOutput('Content-Type: x\n\nhi')).toEqual({ status: 200, body: 'hi' });
    expect(parseCgiOutput('garbage')).toEqual({ status: 200, body: '' });
  });
});

describe('/proc/net/tcp', () => {
  it('reads addresses of both families', () => {
    const text = (hex: string): string => {
      const prefix = parseProcAddress(hex);
      return prefix === null ? 'none' : formatPrefix(prefix);
    };
    expect(text('0100007F')).toBe('127.0.0.1');
    expect(text('B80D0120000000000000000001000000')).toBe('2001:db8::1');
    expect(text('0000000000000000FFFF0000070200C0')).toBe('192.0.2.7');
    expect(text('xyz')).toBe('none');
  });
  it('takes peers of established connections to the given ports only', () => {
    const lines = [
      'head',
      '0: 0100007F:0016 070200C0:C350 01 x',
      '1: 0100007F:0016 080200C0:C350 06 x',
      '2: 0100007F:0050 090200C0:C350 01 x',
      '',
    ];
    expect(parsePeers(lines, new Set([22])).map(formatPrefix)).toEqual(['192.0.2.7']);
  });
});

describe('nft', () => {
  it('gives an element a time-out of at least one second: 0 would be for ever', () => {
    const ban = { target: '192.0.2.1', expiresAt: 1000, reason: 'manual' };
    expect(JSON.stringify(changeCommands([], [ban], [], 5000))).toContain('"timeout":1');
    expect(JSON.stringify(changeCommands([], [{ ...ban, expiresAt: null }], [], 5000))).not.toContain('timeout');
  });
  it('removes what is there before it comes anew, and fills a set of prefixes anew when many go', () => {
    const kernelBan = (target: string) => ({ target, leftS: null, packets: 0 });
    const comes = (target: string) => ({ target, expiresAt: null, reason: 'manual' });
    expect(
      changeCommands([kernelBan('192.0.2.1')], [comes('192.0.2.1')], [], 0).map((one) => Object.keys(one)[0]),
    ).toEqual(['add', 'delete', 'add']);
    expect(changeCommands([kernelBan('192.0.2.1')], [], ['192.0.2.2'], 0)).toEqual([]);
    const nets = Array.from({ length: 10 }, (_, index) => `198.51.${index}.0/24`);
    const commands = changeCommands(nets.map(kernelBan), [comes('203.0.113.0/24')], nets.slice(0, 6), 0);
    expect(commands.map((one) => Object.keys(one)[0])).toEqual(['flush', 'add']);
    const text = JSON.stringify(commands);
    expect(text).not.toContain('198.51.5.0');
    expect(text).toContain('198.51.6.0');
    expect(text).toContain('203.0.113.0');
  });
  it('refuses a target that is no address, at the last door too', () => {
    const ban = { target: '1.2.3.4 }; delete table inet x; #', expiresAt: null, reason: '' };
    expect(() => changeCommands([], [ban], [], 0)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });
  it('keeps only the widest of the never-banned, because intervals of a set may not overlap', () => {
    const text = JSON.stringify(neverCommands(['127.0.0.1', '127.0.0.0/8', '192.0.2.1', '192.0.2.1', '::1']));
    expect(text).not.toContain('"127.0.0.1"');
    expect(text.split('192.0.2.1').length).toBe(2);
  });
  it('accepts before it drops', () => {
    const text = JSON.stringify(rebuildCommands());
    expect(text.lastIndexOf('"accept":null')).toBeLessThan(text.indexOf('"drop":null'));
  });
  it('reads elements of every form, and sees a table that is not ours any more', () => {
    const elem = [
      '192.0.2.1',
      { elem: { val: '192.0.2.2', timeout: 60, expires: 59, counter: { packets: 3, bytes: 1 } } },
    ];
    const net = [{ elem: { val: { prefix: { addr: '198.51.100.0', len: 24 } }, timeout: 60, expires: 5 } }];
    const listed = {
      nftables: [
        { metainfo: {} },
        { table: { family: 'inet', name: 'hauban' } },
        { set: { name: 'ban4', type: 'ipv4_addr', elem } },
        { set: { name: 'net4', type: 'ipv4_addr', elem: net } },
      ],
    };
    expect(parseTable(JSON.stringify(listed))).toEqual({
      isIntact: false,
      bans: [
        { target: '192.0.2.1', leftS: null, packets: null },
        { target: '192.0.2.2', leftS: 59, packets: 3 },
        { target: '198.51.100.0/24', leftS: 5, packets: null },
      ],
    });
    expect(hasTable(JSON.stringify(listed))).toBe(true);
    expect(hasTable('{"nftables":[{"table":{"family":"ip","name":"hauban"}}]}')).toBe(false);
  });
});

describe('the sandbox of a PHP master', () => {
  const master: PhpMaster = {
    account: 'w4a100010',
    version: '8.4',
    uid: 100_010,
    gid: 100_010,
    home: '/srv/vol1/w4a100010',
    homesRoot: '/srv/vol1',
    configFile: '/etc/hosting/php/w4a100010/8.4.conf',
    socket: '/run/hosting/w4a100010/8.4.sock',
  };
  const places = [
    { version: '8.4', binary: '/usr/sbin/php-fpm8.4', root: null },
    { version: '8.4', binary: '/usr/sbin/php-fpm8.4', root: '/opt/hauban/php/8.4' },
  ];

  it.each(places)('hides every home before it shows the own one (root $root)', (installation) => {
    const args = bubblewrapArguments(master, installation);
    const hidden = args.findIndex(
      (arg, index) => arg === '--tmpfs' && (args[index + 1] === '/srv/vol1' || args[index + 1] === '/srv'),
    );
    const shown = args.findIndex((arg, index) => arg === '--bind' && args[index + 1] === master.home);
    expect(hidden).toBeGreaterThan(0);
    expect(shown).toBeGreaterThan(hidden);
    expect(args.filter((arg) => arg.startsWith('CAP_')).sort()).toEqual([
      'CAP_CHOWN',
      'CAP_DAC_OVERRIDE',
      'CAP_KILL',
      'CAP_SETGID',
      'CAP_SETUID',
    ]);
    expect(args.at(-1)).toBe('--');
  });

  it.each(places)('says the same in a unit (root $root)', (installation) => {
    const unit = unitText(master, installation, '/var/log/hosting/w4a100010/php.log');
    expect(unit).toMatch(/^TemporaryFileSystem=.*\/srv/m);
    expect(unit).toMatch(/^BindPaths=\/srv\/vol1\/w4a100010 \/run\/hosting\/w4a100010$/m);
    expect(unit).toContain('KillSignal=SIGQUIT');
    expect(unit.includes('RootDirectory=')).toBe(installation.root !== null);
  });
});

it('counts the connections of a socket in /proc/net/unix: worked on and waiting, not the one that listens', () => {
  const socket = '/run/hosting/a/8.2.sock';
  const row = (flags: string, state: string, path: string): string =>
    `0000000000000000: 00000002 00000000 ${flags} 0001 ${state} 12345 ${path}`;
  const table = [
    'Num       RefCount Protocol Flags    Type St Inode Path',
    row('00010000', '01', socket),
    row('00000000', '03', socket),
    row('00000000', '02', socket),
    row('00000000', '03', `${socket}x`),
    row('00000000', '03', `/x${socket}`),
    '0000000000000000: 00000002 00000000 00000000 0001 03 12346',
    '',
  ].join('\n');
  expect(countConnections(table, socket)).toBe(2);
});

describe('who listens where', () => {
  const at = (address: string, port: number) => ({ address, port, inode: '' });
  const [any4, any6] = ['0'.repeat(8), '0'.repeat(32)];
  const [local4, local6] = ['0100007F', `${'0'.repeat(24)}01000000`];

  it('reads the listening rows of /proc/net/tcp', () => {
    const row = (local: string, state: string, inode: number): string =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000 100 0 0 10 0`;
    const table = ['  sl  local_address ...', row('0100007F:1F90', '0A', 7), row('0100007F:0050', '01', 8), ''].join(
      '\n',
    );
    expect(parseListeners(table)).toEqual([{ address: local4, port: 8080, inode: '7' }]);
  });

  it.each([
    [at(any4, 80), at(local4, 80), true],
    [at(local4, 80), at(local4, 80), true],
    [at(local4, 80), at('0200007F', 80), false],
    [at(any4, 80), at(any4, 81), false],
    [at(any6, 80), at(local4, 80), true],
    [at(local4, 80), at(any6, 80), true],
    [at(any4, 80), at(local6, 80), false],
  ])('%o and %o: %s', (one, two, isSo) => {
    expect(isInTheWay(one, two)).toBe(isSo);
  });

  it("finds the listen lines in nginx's print of its files", () => {
    const printed = `# configuration file /etc/nginx/nginx.conf:
http { include sites/*; }
# configuration file /etc/nginx/sites/a:
server {
  listen 80 default_server;
  listen [::]:80;
  listen 127.0.0.1:8080;
  listen unix:/run/x.sock;
  # listen 9999;
}
`;
    expect(
      parseListens(printed.split('\n')).map(({ file, line, listener }) => [
        file,
        line,
        listener.address,
        listener.port,
      ]),
    ).toEqual([
      ['/etc/nginx/sites/a', 2, any4, 80],
      ['/etc/nginx/sites/a', 3, any6, 80],
      ['/etc/nginx/sites/a', 4, local4, 8080],
    ]);
  });
});
