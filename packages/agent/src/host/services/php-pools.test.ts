import { describe, expect, it } from 'vitest';
import { parsePoolFault, parsePoolListens } from '../pool-rehearsal.ts';
import { findPoolFault, parseUnixListeners } from './php-pools.ts';

describe('what php-fpm says of its pools', () => {
  it.each([
    [
      "[22-Nov-2026 21:55:49] ERROR: [/etc/php/8.2/fpm/pool.d/x.conf:3] unknown entry 'x'\n[22-Nov-2026 21:55:49] ERROR: FPM initialization failed\n",
      "/etc/php/8.2/fpm/pool.d/x.conf line 3: unknown entry 'x'",
    ],
    ['[1-Nov-2026] NOTICE: fine\n[1-Nov-2026] ALERT: no space\n', 'no space'],
    ['PHP: the cache of code is too small\n', 'PHP: the cache of code is too small'],
    ['', 'php-fpm ends without a word'],
  ])('%j is a fault in one sentence', (said, wanted) => expect(parsePoolFault(said)).toBe(wanted));

  it('names each place once where it listens', () => {
    const shown =
      '[1] NOTICE: [www]\n[1] NOTICE: \tlisten = /run/php/a.sock\n[1] NOTICE: \tlisten.owner = x\n[1] NOTICE: \tlisten = 9000\n[1] NOTICE: \tlisten = 9000\n';
    expect(parsePoolListens(shown)).toEqual(['/run/php/a.sock', '9000']);
  });

  it('only sockets that listen are in the way', () => {
    const table =
      'Num RefCount Protocol Flags Type St Inode Path\nffff: 00000002 00000000 00010000 0001 01 123 /run/a.sock\nffff: 00000003 00000000 00000000 0001 03 124 /run/a.sock\nffff: 00000002 00000000 00010000 0001 01 125\n';
    expect([...parseUnixListeners(table)]).toEqual([['/run/a.sock', '123']]);
  });

  it.each(['8.2/../../bin', '', '8', '8.2\n', '-x'])('a version that is none, %j, starts nothing', async (version) => {
    const command = { program: '/bin/false', args: [] };
    await expect(findPoolFault(command, { version, masterPid: 1 })).rejects.toMatchObject({ code: 'ACTION_REFUSED' });
  });
});
