import type { Section } from './section.ts';

/** PHP-FPM versions by the product's convention: Debian's own, and co-installed roots below /opt/hauban/php. */
export const php: Section = {
  name: 'php',
  async take(host) {
    const found = new Map<string, string>();
    for (const name of await host.list('/usr/sbin')) {
      const version = /^php-fpm(\d\.\d)$/.exec(name)?.[1];
      if (version !== undefined) found.set(version, `/usr/sbin/${name}`);
    }
    for (const version of await host.list('/opt/hauban/php')) {
      const program = `/opt/hauban/php/${version}/usr/sbin/php-fpm${version}`;
      if (/^\d\.\d$/.test(version) && (await host.exists(program))) found.set(version, program);
    }
    return [...found].sort(([a], [b]) => a.localeCompare(b)).map(([version, program]) => ({ version, program }));
  },
};
