import { unavailable, type Section } from './section.ts';

/** Output of `dpkg-query -W -f='${db:Status-Status} ${binary:Package} ${Version}\n'` as name → version, installed only. */
export function parseDpkg(source: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const line of source.split('\n')) {
    const [status, name, version] = line.split(' ');
    if (status === 'installed' && name !== undefined && version !== undefined && name !== '__proto__')
      out[name] = version;
  }
  return out;
}

/** Installed Debian packages. */
export const packages: Section = {
  name: 'packages',
  async take(host) {
    const result = await host.run(
      'dpkg-query',
      ['-W', '-f=${db:Status-Status} ${binary:Package} ${Version}\n'],
      20_000,
    );
    if (result === null || result.status !== 0) return unavailable('dpkg-query is not here or failed');
    return parseDpkg(result.stdout);
  },
};
