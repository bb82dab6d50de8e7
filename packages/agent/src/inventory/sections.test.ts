import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { INVENTORY_SECTIONS } from '@hauban/shared/inventory';
import { describe, expect, it } from 'vitest';
import { createInventoryHost } from '../host/inventory-host.ts';
import { parseAccounts } from './accounts.ts';
import { parseMounts } from './disks.ts';
import { parseDpkg } from './packages.ts';
import { decodeAddress, parseSockets } from './ports.ts';
import { parseApacheSites, parseNginxSites } from './sites.ts';
import { SECTIONS, takeInventory } from './take-inventory.ts';
import { mergeUnits } from './units.ts';
import { parseUpgrade } from './updates.ts';

describe('inventory', () => {
  it('has a file for each section of the table and nothing more', () => {
    const folder = fileURLToPath(new URL('.', import.meta.url));
    const notSections = ['index.ts', 'section.ts', 'take-inventory.ts'];
    const files = readdirSync(folder).filter(
      (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !notSections.includes(name),
    );
    expect(files.map((name) => name.replace('.ts', '')).sort()).toEqual(Object.keys(INVENTORY_SECTIONS).sort());
    expect(SECTIONS.map((section) => section.name).sort()).toEqual(Object.keys(INVENTORY_SECTIONS).sort());
  });

  it('takes every section of this machine without throwing', async () => {
    const taken = await takeInventory(createInventoryHost(), [
      'os',
      'packages',
      'ports',
      'php',
      'sites',
      'accounts',
      'certificates',
      'units',
    ]);
    expect(taken).toHaveLength(8);
    const packages = taken.find((section) => section.name === 'packages')?.data as Record<string, string>;
    expect(packages['dpkg']).toMatch(/^\d/);
  });

  it('a section that fails says so and the others go on', async () => {
    const host = { ...createInventoryHost(), readText: () => Promise.reject(new Error('disk on fire')) };
    const taken = await takeInventory(host, ['accounts', 'php']);
    expect(taken[1]).toEqual({ name: 'accounts', data: { unavailable: 'disk on fire' } });
    expect(Array.isArray(taken[0]?.data)).toBe(true);
  });

  it('parses packages, pending updates and units', () => {
    expect(parseDpkg('installed bash 5.2-1\ndeinstall old 1\ninstalled libc6:amd64 2.36\n')).toEqual({
      bash: '5.2-1',
      'libc6:amd64': '2.36',
    });
    const upgrade =
      'Inst bash [5.1] (5.2 Debian:12.9/stable [amd64])\nInst openssl [3.0.1] (3.0.2 Debian-Security:12/stable-security [amd64])\nConf bash (5.2)\n';
    expect(parseUpgrade(upgrade).map((row) => [row.name, row.isSecurity])).toEqual([
      ['openssl', true],
      ['bash', false],
    ]);
    const merged = mergeUnits(
      '[{"unit_file":"a.service","state":"enabled"}]',
      '[{"unit":"a.service","active":"active","sub":"running"},{"unit":"b.service","active":"failed","sub":"failed"}]',
    );
    expect(merged).toEqual({ 'a.service': { enabled: 'enabled', state: 'running' }, 'b.service': { state: 'failed' } });
  });

  it('decodes listening sockets of IPv4 and IPv6', () => {
    expect(decodeAddress('0100007F')).toBe('127.0.0.1');
    expect(decodeAddress('00000000000000000000000001000000')).toBe('::1');
    const table =
      'header\n   0: 00000000:0050 00000000:0000 0A 0 0 0 0 0\n   1: 0100007F:A000 0100007F:0050 01 0 0 0 0 0\n';
    expect(parseSockets('tcp', table)).toEqual([{ protocol: 'tcp', address: '0.0.0.0', port: 80 }]);
  });

  it('reads sites of Apache and nginx, accounts and mounts', () => {
    const apache =
      '<VirtualHost *:443>\n ServerName a.example\n ServerAlias b.example c.example\n DocumentRoot "/srv/a"\n SSLCertificateFile /etc/a.pem\n</VirtualHost>\n';
    expect(parseApacheSites('f', apache)).toEqual([
      {
        server: 'apache',
        file: 'f',
        names: ['a.example', 'b.example', 'c.example'],
        listen: ['*:443'],
        root: '/srv/a',
        certificate: '/etc/a.pem',
      },
    ]);
    const nginx = 'server { listen 80; listen 443 ssl; server_name x.example; location / { root /no; } root /srv/x; }';
    expect(parseNginxSites('f', nginx)[0]).toMatchObject({ names: ['x.example'], listen: ['80', '443 ssl'] });
    expect(
      parseAccounts(
        'root:x:0:0::/root:/bin/bash\nw4a100010:x:100010:100010::/srv/vol1/w4a100010:/usr/sbin/nologin\n',
      ).map((row) => row.uid),
    ).toEqual([100_010]);
    expect(parseMounts('/dev/sda1 /mnt/with\\040space ext4 rw 0 0\nproc /proc proc rw 0 0\n')).toEqual([
      { device: '/dev/sda1', mount: '/mnt/with space', type: 'ext4', options: 'rw' },
    ]);
  });
});
