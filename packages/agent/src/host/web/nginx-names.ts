/** Names of nginx's sites, as its files have them and as its warnings quote them. */

/** One `server` block of a file; names in a snippet that other files include stand in a block of their own. */
export interface NginxSite {
  /** Of the line on which it starts; null: a snippet, whose block is elsewhere. */
  readonly line: number | null;
  readonly names: readonly { readonly name: string; readonly line: number }[];
  /** Empty: it can not be told. */
  readonly ports: readonly string[];
}

export interface NginxFile {
  readonly sites: readonly NginxSite[];
  /** It includes files outside of its `server` blocks: which site stands first is up to it. */
  readonly isOrder: boolean;
}

interface Word {
  readonly text: string;
  readonly line: number;
}

const NEEDLESS = /\s*(?:#[^\n]*\n?\s*)*/y;
const WORD = /"(?:\\[\s\S]|[^"\\])*"?|'(?:\\[\s\S]|[^'\\])*'?|[{};]|(?:\\[\s\S]|\$\{|[^\s;{\\])+|\\/y;

/** As nginx cuts its files: quotes, `${`, and comments that stand between words. */
function* wordsOf(text: string): Generator<Word> {
  let at = 0;
  let line = 1;
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    line += found.split('\n').length - 1;
    return found;
  };
  for (;;) {
    skip(NEEDLESS);
    const from = line;
    const word = skip(WORD);
    if (word === '') return;
    yield { text: word, line: from };
  }
}

const unquoted = (word: string): string => word.replace(/^(["'])(.*)\1$/s, '$2').toLowerCase();
const portOf = (address: string): readonly string[] => {
  if (address.startsWith('unix:')) return [];
  return [/^(?:.*:)?(\d+)$/.exec(address)?.[1] ?? '80'];
};

interface OpenSite {
  readonly line: number | null;
  readonly names: Word[];
  readonly listens: string[];
}

const siteOf = ({ line, names, listens }: OpenSite): NginxSite => ({
  line,
  names: names.map((word) => ({ name: unquoted(word.text), line: word.line })),
  ports: line !== null && listens.length === 0 ? ['80'] : listens.flatMap((address) => portOf(unquoted(address))),
});

export function parseNginxFile(text: string): NginxFile {
  const loose: OpenSite = { line: null, names: [], listens: [] };
  const sites: OpenSite[] = [loose];
  const blocks: (OpenSite | null)[] = [];
  let words: Word[] = [];
  let isOrder = false;
  const end = ([first, ...rest]: readonly Word[]): void => {
    const site = blocks.findLast((block) => block !== null);
    if (first?.text === 'server_name') (site ?? loose).names.push(...rest);
    if (first?.text === 'listen') (site ?? loose).listens.push(rest[0]?.text ?? '');
    if (first?.text === 'include' && site === undefined) isOrder = true;
  };
  for (const word of wordsOf(text)) {
    if (word.text === ';') end(words);
    else if (word.text === '{') {
      const isSite = words[0]?.text === 'server';
      const opened = isSite ? { line: words[0]?.line ?? word.line, names: [], listens: [] } : null;
      if (opened !== null) sites.push(opened);
      blocks.push(opened);
    } else if (word.text === '}') blocks.pop();
    else {
      words.push(word);
      continue;
    }
    words = [];
  }
  return { sites: sites.filter(({ names }) => names.length > 0).map(siteOf), isOrder };
}

export interface NginxConflict {
  readonly name: string;
  /** Null: a socket. */
  readonly port: string | null;
}

/** `nginx: [warn] conflicting server name "x" on 0.0.0.0:80, ignored`: it says neither which file nor which line. */
export function parseConflicts(said: string): readonly NginxConflict[] {
  const found = new Map<string, NginxConflict>();
  for (const [, name = '', address = ''] of said.matchAll(/conflicting server name "(.*)" on (\S+), ignored$/gm)) {
    const port = /:(\d+)$/.exec(address)?.[1] ?? null;
    found.set(`${port ?? address} ${name}`, { name, port });
  }
  return [...found.values()];
}

/** `.x` stands for `x` and for `*.x`. */
const keysOf = (name: string): readonly string[] =>
  name.startsWith('.') ? [name.slice(1), `*${name}`] : [name.toLowerCase()];

/** The lines of a site on which it has that name there. */
export function linesOf(site: NginxSite, { name, port }: NginxConflict): readonly number[] {
  if (port !== null && site.ports.length > 0 && !site.ports.includes(port)) return [];
  const wanted = keysOf(name);
  return site.names.filter((one) => keysOf(one.name).some((key) => wanted.includes(key))).map(({ line }) => line);
}
