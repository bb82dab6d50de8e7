import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The Debian mirror is whatever this machine's apt is set to: no host is written down in this repository.
 * Formats: sources.list(5), the one-line style and the deb822 style.
 */
const aptFolder = '/etc/apt';

type Source = { readonly uri: string; readonly suite: string };

function parseOneLineStyle(text: string): Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s/.exec(`${line} `);
    return match?.[1] !== undefined && match[2] !== undefined ? [{ uri: match[1], suite: match[2] }] : [];
  });
}

function parseStanza(stanza: string): Source[] {
  const fields = new Map<string, string>();
  let current = '';
  for (const line of stanza.split('\n')) {
    if (line.startsWith('#')) continue;
    const head = /^([A-Za-z-]+):(.*)$/.exec(line);
    if (head) current = (head[1] ?? '').toLowerCase();
    const value = head ? (head[2] ?? '') : line;
    fields.set(current, `${fields.get(current) ?? ''} ${value}`.trim());
  }
  const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
  if (/^(?:no|false)$/i.test(fields.get('enabled') ?? '') || !words('types').includes('deb')) return [];
  return words('uris').flatMap((uri) => words('suites').map((suite) => ({ uri, suite })));
}

/** The first archive of whole Debian releases among apt's sources; security and add-on archives do not serve debootstrap. */
export function parseDebianMirror(files: readonly { readonly name: string; readonly text: string }[]): string | null {
  const sources = files.flatMap(({ name, text }) =>
    name.endsWith('.sources') ? text.split(/\n\s*\n/).flatMap(parseStanza) : parseOneLineStyle(text),
  );
  const found = sources.find(
    ({ uri, suite }) => /^https?:\/\//.test(uri) && /\/debian\/?$/.test(uri) && /^[a-z]+$/.test(suite),
  );
  return found?.uri ?? null;
}

/** Reads apt's sources of this machine; throws when none of them is a Debian archive. */
export function loadDebianMirror(): string {
  const folder = join(aptFolder, 'sources.list.d');
  const paths = [
    join(aptFolder, 'sources.list'),
    ...(existsSync(folder)
      ? readdirSync(folder)
          .toSorted()
          .map((name) => join(folder, name))
      : []),
  ].filter((path) => /\.(?:list|sources)$/.test(path) && existsSync(path));
  const mirror = parseDebianMirror(paths.map((path) => ({ name: path, text: readFileSync(path, 'utf8') })));
  if (mirror === null) {
    throw new Error(
      'None of apt\'s sources in /etc/apt is a Debian archive ("…/debian"): the lab cannot build its file trees.',
    );
  }
  return mirror;
}
