import type { GuestState } from '@hauban/shared/actions';

/** `virsh list --all --uuid --name`: a line each, the name after the UUID; libvirt admits no newline in a name. */
export function parseGuestNames(text: string): ReadonlyMap<string, string> {
  const byName = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, uuid = '', name = ''] = /^\s*([0-9a-f-]{36})\s+(.*?)\s*$/.exec(line) ?? [];
    if (name !== '') byName.set(name, uuid);
  }
  return byName;
}

export interface GuestStats {
  readonly state: GuestState;
  readonly cpus?: number;
  readonly memoryMiB?: number;
}

/** virDomainState of libvirt's API. A guest that is going down (4) still runs. */
const STATES: Readonly<Record<string, GuestState>> = {
  1: 'running',
  2: 'running',
  3: 'paused',
  4: 'running',
  5: 'off',
};

const whole = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

/**
 * `virsh domstats`: a line `Domain: 'NAME'`, then `  key=value` lines. A name may hold quotes and anything else but a
 * newline; a line of values begins with two spaces, so no name can be one.
 */
export function parseStats(text: string): ReadonlyMap<string, GuestStats> {
  const byName = new Map<string, GuestStats>();
  for (const block of `\n${text}`.split("\nDomain: '").slice(1)) {
    const [first = '', ...lines] = block.split('\n');
    const values = new Map(
      lines.flatMap((line): [string, string][] => {
        const [, key, value] = /^ {2}([a-z0-9.-]+)=(.*)$/.exec(line) ?? [];
        return key === undefined || value === undefined ? [] : [[key, value]];
      }),
    );
    const cpus = whole(values.get('vcpu.current'));
    const memoryKiB = whole(values.get('balloon.maximum'));
    byName.set(first.replace(/'$/, ''), {
      state: STATES[values.get('state.state') ?? ''] ?? 'other',
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryKiB === undefined ? {} : { memoryMiB: Math.floor(memoryKiB / 1024) }),
    });
  }
  return byName;
}

/**
 * `virsh domblklist --details`: a line `type device target source` for each disk. Only files are looked at: whether a
 * block device is shared can not be seen.
 */
export const parseDiskFiles = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => /^\s*file\s+(?:disk|lun)\s+\S+\s+(\/.*?)\s*$/.exec(line)?.[1] ?? []);
