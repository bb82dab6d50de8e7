import type { PendingUpdate } from '@hauban/shared/inventory';
import { unavailable, type Section } from './section.ts';

const INST = /^Inst (\S+) \[([^\]]*)\] \((\S+) ([^)]*)\)/;

/** `Inst pkg [old] (new Origin:version/suite [arch])` lines of a simulated upgrade, security first. */
export function parseUpgrade(source: string): PendingUpdate[] {
  const rows: PendingUpdate[] = [];
  for (const line of source.split('\n')) {
    const match = INST.exec(line);
    if (match === null) continue;
    const [, name = '', installed = '', available = '', origins = ''] = match;
    rows.push({ name, installed, available, isSecurity: /-security\b|Debian-Security/i.test(origins) });
  }
  return rows.sort((a, b) => Number(b.isSecurity) - Number(a.isSecurity) || a.name.localeCompare(b.name));
}

/** What a plain `apt-get upgrade` would change, from the package lists as they are (nothing is downloaded). */
export const updates: Section = {
  name: 'updates',
  async take(host) {
    const result = await host.run(
      'apt-get',
      ['-s', '-o', 'APT::Get::Show-User-Simulation-Note=0', '-o', 'Debug::NoLocking=1', 'upgrade'],
      60_000,
    );
    if (result === null || result.status !== 0)
      return unavailable('apt-get is not here or its package lists are not usable');
    const pending = parseUpgrade(result.stdout);
    return { security: pending.filter((row) => row.isSecurity).length, total: pending.length, pending };
  },
};
