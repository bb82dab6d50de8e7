/** Reading Apache's configuration files as text: directives with their line, and the virtual host that each is in. */
export interface Directive {
  readonly file: string;
  /** Counted from 1; of a continued line the first. */
  readonly line: number;
  /** In lower case; `<virtualhost` for the line that opens one, with its addresses. */
  readonly name: string;
  readonly args: readonly string[];
  /** Line of the `<VirtualHost>` around it in the same file; null outside. */
  readonly host: number | null;
}

/** Words of a line; quotes keep spaces, a backslash keeps a quote. */
function words(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double?.replaceAll('\\"', '"') ?? single?.replaceAll("\\'", "'") ?? bare ?? '',
  );
}

function* logicalLines(content: string): Generator<{ readonly line: number; readonly text: string }> {
  let start = 1;
  let joined = '';
  for (const [index, raw] of content.split('\n').entries()) {
    if (joined === '') start = index + 1;
    const text = raw.replace(/\r$/, '');
    if (text.endsWith('\\')) joined += `${text.slice(0, -1)} `;
    else {
      yield { line: start, text: (joined + text).trim() };
      joined = '';
    }
  }
}

export function parseDirectives(file: string, content: string): readonly Directive[] {
  const found: Directive[] = [];
  let host: number | null = null;
  for (const { line, text } of logicalLines(content)) {
    if (text === '' || text.startsWith('#')) continue;
    if (/^<VirtualHost\b/i.test(text)) {
      host = line;
      found.push({ file, line, name: '<virtualhost', args: words(text.replace(/>$/, '')).slice(1), host });
    }
    if (text.startsWith('<')) {
      if (/^<\/VirtualHost/i.test(text)) host = null;
      continue;
    }
    const [name = '', ...args] = words(text);
    found.push({ file, line, name: name.toLowerCase(), args, host });
  }
  return found;
}
