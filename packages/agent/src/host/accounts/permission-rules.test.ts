import { describe, expect, it } from 'vitest';
import { parseQgroup } from './btrfs-qgroup.ts';
import { wantedMode } from './permission-rules.ts';

const POLICY = { directories: '0755', files: '0644', secrets: '0600' } as const;
const text = (mode: number): string => mode.toString(8).padStart(4, '0');

describe('the mode of', () => {
  it.each<[string, number, string]>([
    ['style.css', 0o600, '0644'],
    ['style.css', 0o400, '0644'],
    ['style.css', 0o604, '0604'],
    ['style.css', 0o444, '0444'],
    ['style.css', 0o666, '0644'],
    ['style.css', 0o777, '0644'],
    ['style.css', 0o755, '0755'],
    ['style.css', 0o775, '0755'],
    ['style.css', 0o4755, '0755'],
    ['style.css', 0o2644, '0644'],
    ['style.css', 0o000, '0644'],
    ['.htaccess', 0o604, '0604'],
    ['index.php', 0o644, '0600'],
    ['index.php', 0o400, '0400'],
    ['index.php', 0o777, '0600'],
    ['index.php', 0o000, '0400'],
    ['config.PHP', 0o644, '0600'],
    ['.env', 0o640, '0600'],
    ['.env.local', 0o644, '0600'],
    ['dump.sql.gz', 0o644, '0600'],
    ['id_ed25519', 0o644, '0600'],
    ['server.key', 0o6644, '0600'],
  ])('the file %s with %o is to be %s', (name, now, wanted) =>
    expect(text(wantedMode(POLICY, name, false, now))).toBe(wanted),
  );

  it.each<[number, string]>([
    [0o755, '0755'],
    [0o711, '0711'],
    [0o700, '0755'],
    [0o777, '0755'],
    [0o2755, '0755'],
    [0o1777, '0755'],
    [0o055, '0755'],
  ])('a folder with %o is to be %s', (now, wanted) =>
    expect(text(wantedMode(POLICY, 'x.php', true, now))).toBe(wanted),
  );

  it('anything is right when it is judged again', () => {
    const policies = [
      POLICY,
      { directories: '0750', files: '0640', secrets: '0640' },
      { ...POLICY, files: '0604' },
    ] as const;
    const wrong: string[] = [];
    for (const policy of policies)
      for (let mode = 0; mode <= 0o7777; mode += 1)
        for (const name of ['a.css', 'a.php', 'folder']) {
          const isFolder = name === 'folder';
          const once = wantedMode(policy, name, isFolder, mode);
          // Nobody else writes, no set-id bit, the owner reads, and a second look finds nothing.
          const isWell = (once & 0o7022) === 0 && (once & 0o400) !== 0;
          if (!isWell || wantedMode(policy, name, isFolder, once) !== once) wrong.push(`${name} ${text(mode)}`);
        }
    expect(wrong).toEqual([]);
  });
});

describe('the quota group of a subvolume', () => {
  const head = 'qgroupid         rfer         excl     max_rfer \n--------         ----         ----     -------- \n';

  it('is read with and without a limit', () => {
    expect(parseQgroup(`${head}0/256        41963520     41963520     62914560 \n`)).toEqual({
      ...{ id: '0/256', usedBytes: 41_963_520, limitBytes: 62_914_560 },
    });
    expect(parseQgroup(`${head}0/256           16384        16384         none \n`)?.limitBytes).toBeNull();
    expect(parseQgroup(`${head}0/256           16384        16384         none   homes/w4a100010\n`)?.id).toBe('0/256');
  });

  it('is none where there is none', () => expect(parseQgroup(head)).toBeNull());
});
