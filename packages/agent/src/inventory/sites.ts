import type { SiteRow } from '@hauban/shared/inventory';
import type { InventoryHost } from '../host/inventory-host.ts';
import type { Section } from './section.ts';

const words = (text: string): string[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => word.replaceAll(/^"|"$/g, ''));

/** One row a `<VirtualHost>` block. Includes and macros are not followed; the file name tells where to look. */
export function parseApacheSites(file: string, source: string): SiteRow[] {
  const rows: SiteRow[] = [];
  for (const block of source.matchAll(/^[ \t]*<VirtualHost([^>]*)>([\s\S]*?)^[ \t]*<\/VirtualHost>/gim)) {
    const body = block[2] ?? '';
    const all = (directive: string): string[] =>
      [...body.matchAll(new RegExp(`^[ \\t]*${directive}[ \\t]+(.+)$`, 'gim'))].flatMap((match) =>
        words(match[1] ?? ''),
      );
    rows.push({
      server: 'apache',
      file,
      names: [...all('ServerName'), ...all('ServerAlias')],
      listen: words(block[1] ?? ''),
      root: all('DocumentRoot')[0] ?? null,
      certificate: all('SSLCertificateFile')[0] ?? null,
    });
  }
  return rows;
}

/** One row a `server { }` block, braces counted. */
export function parseNginxSites(file: string, source: string): SiteRow[] {
  const rows: SiteRow[] = [];
  const plain = source.replaceAll(/#.*$/gm, '');
  for (const start of plain.matchAll(/\bserver\s*\{/g)) {
    let depth = 1;
    let at = start.index + start[0].length;
    while (at < plain.length && depth > 0) {
      if (plain[at] === '{') depth += 1;
      if (plain[at] === '}') depth -= 1;
      at += 1;
    }
    const body = plain.slice(start.index + start[0].length, at - 1);
    const all = (directive: string): string[][] =>
      [...body.matchAll(new RegExp(`(?:^|[;{}\\s])${directive}\\s+([^;{}]+);`, 'g'))].map((match) =>
        words(match[1] ?? ''),
      );
    rows.push({
      server: 'nginx',
      file,
      names: all('server_name').flat(),
      listen: all('listen').map((listen) => listen.join(' ')),
      root: all('root')[0]?.[0] ?? null,
      certificate: all('ssl_certificate')[0]?.[0] ?? null,
    });
  }
  return rows;
}

/** Sites of both servers, sorted by file. */
export async function takeSites(host: InventoryHost): Promise<SiteRow[]> {
  const rows: SiteRow[] = [];
  for (const [folder, parse] of [
    ['/etc/apache2/sites-enabled', parseApacheSites],
    ['/etc/nginx/sites-enabled', parseNginxSites],
  ] as const) {
    for (const name of await host.list(folder)) {
      const file = `${folder}/${name}`;
      const source = await host.readText(file);
      if (source !== null) rows.push(...parse(file, source));
    }
  }
  return rows;
}

export const sites: Section = { name: 'sites', take: takeSites };
