import { describe, expect, it } from 'vitest';
import { escapeFstab, parseMountTable } from './mount-table.ts';

describe('mount table', () => {
  it('reads mount point, type and options of a line with optional fields', () => {
    const line =
      '36 35 0:31 / /sys/fs/cgroup/systemd rw,nosuid shared:9 master:1 - cgroup cgroup rw,xattr,name=systemd';
    expect(parseMountTable(`${line}\n`)).toEqual([
      { mountPoint: '/sys/fs/cgroup/systemd', type: 'cgroup', superOptions: 'rw,xattr,name=systemd' },
    ]);
  });

  it('undoes the escapes that the kernel writes, and writes the same for fstab', () => {
    const path = '/srv/two words\\here';
    expect(escapeFstab(path)).toBe('/srv/two\\040words\\134here');
    expect(parseMountTable(`1 2 0:1 / ${escapeFstab(path)} rw - tmpfs none rw\n`)[0]?.mountPoint).toBe(path);
  });
});
