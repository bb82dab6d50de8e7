import { unavailable, type Section } from './section.ts';

interface UnitRow {
  enabled?: string;
  state?: 'running' | 'failed';
}

function parseList(source: string): Record<string, unknown>[] {
  const value: unknown = JSON.parse(source);
  return Array.isArray(value)
    ? value.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null)
    : [];
}

/** Merges unit files (enabled or not) and loaded units (running or failed); other states come and go and are left out. */
export function mergeUnits(files: string, loaded: string): Record<string, UnitRow> {
  const out = new Map<string, UnitRow>();
  for (const row of parseList(files)) {
    if (typeof row['unit_file'] === 'string' && typeof row['state'] === 'string')
      out.set(row['unit_file'], { enabled: row['state'] });
  }
  for (const row of parseList(loaded)) {
    const name = row['unit'];
    if (typeof name !== 'string') continue;
    const state = row['active'] === 'failed' ? 'failed' : row['sub'] === 'running' ? 'running' : null;
    if (state !== null) out.set(name, { ...out.get(name), state });
  }
  return Object.fromEntries([...out].sort(([a], [b]) => a.localeCompare(b)));
}

/** Services, timers and sockets of systemd. */
export const units: Section = {
  name: 'units',
  async take(host) {
    if (!(await host.exists('/run/systemd/system'))) return unavailable('systemd is not the init system here');
    const types = '--type=service,timer,socket';
    const files = await host.run('systemctl', ['list-unit-files', types, '--output=json', '--no-pager'], 20_000);
    const loaded = await host.run('systemctl', ['list-units', types, '--all', '--output=json', '--no-pager'], 20_000);
    if (files?.status !== 0 || loaded?.status !== 0) return unavailable('systemctl does not answer');
    return mergeUnits(files.stdout, loaded.stdout);
  },
};
