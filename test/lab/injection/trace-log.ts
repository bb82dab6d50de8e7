/** What a tracer (strace -f -qq -xx -y -Y) has written: programs that were started and files that were changed. */
export const MARKER_FOLDER = '/no-such-folder/case';

export const TRACED_CALLS: readonly string[] = [
  ...['execve', 'execveat', 'open', 'openat', 'openat2', 'creat', 'mkdir', 'mkdirat', 'mknod', 'mknodat'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat', 'unlink', 'unlinkat', 'rmdir'],
  ...['chmod', 'fchmod', 'fchmodat', 'chown', 'fchown', 'lchown', 'fchownat', 'truncate'],
];

export interface TracedCall {
  /** Of the case whose turn it was; -1 before the first. */
  readonly case: number;
  /** The program that called, as the kernel calls it: at most 15 bytes. */
  readonly by: string;
  readonly call: string;
  /** Every text among its arguments, and folders of descriptors, in order. */
  readonly texts: readonly string[];
  /** For a file: where it really is, as far as the descriptors say. */
  readonly paths: readonly string[];
  readonly isOk: boolean;
  readonly isWrite: boolean;
  readonly line: string;
}

const LINE = /^(\d+)<(.*?)> +(?:(\w+)\(|<\.\.\. (\w+) resumed>)(.*)$/;
const UNFINISHED = / <unfinished \.\.\.>$/;
const RESULT = /\) += (-?\d+|\?)(?:<([^>]*)>)?/;
const HEX_TEXT = /"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?|(?:AT_FDCWD|\b\d+)<([^>]*)>/g;

const textOfHex = (hex: string): string => Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString('utf8');
const isHex = (text: string): boolean => /^(?:\\x[0-9a-f]{2})*$/.test(text);

interface Argument {
  readonly text: string;
  readonly isFolder: boolean;
}

const argumentsOf = (source: string): readonly Argument[] =>
  [...source.matchAll(HEX_TEXT)].map(([, text, folder]) => {
    if (text !== undefined) return { text: textOfHex(text), isFolder: false };
    return { text: isHex(folder ?? '') ? textOfHex(folder ?? '') : (folder ?? ''), isFolder: true };
  });

/** `x` below a folder, whatever is in it, with descriptors of this process replaced by what they lead to. */
function resolvePath(folder: string, path: string, descriptors: ReadonlyMap<string, string>): string {
  const whole = path.startsWith('/') ? path : `${folder}/${path}`;
  const through = /^\/proc\/(?:self|\d+)\/fd\/(\d+)(\/.*)?$/.exec(whole);
  const real = through === null ? whole : `${descriptors.get(through[1] ?? '') ?? whole}${through[2] ?? ''}`;
  const parts: string[] = [];
  for (const part of real.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function pathsOf(
  call: string,
  given: readonly Argument[],
  descriptors: ReadonlyMap<string, string>,
): readonly string[] {
  if (call === 'fchmod' || call === 'fchown') return given.slice(0, 1).map(({ text }) => text);
  // The text of a symbolic link is no path that is written to.
  const relevant = call.startsWith('symlink') ? given.slice(1) : given;
  let folder = '/';
  const paths: string[] = [];
  for (const { text, isFolder } of relevant) {
    if (isFolder) folder = text;
    else paths.push(resolvePath(folder, text, descriptors));
  }
  return paths;
}

const READ_ONLY_OPEN = /O_RDONLY|O_PATH/;
const isWrite = (call: string, rest: string): boolean =>
  call.startsWith('open') ? !READ_ONLY_OPEN.test(rest) || /O_CREAT|O_TRUNC/.test(rest) : !call.startsWith('exec');

/** One call of a line, the line's second half put behind its first. */
export function* readTrace(text: string): Generator<TracedCall> {
  const unfinished = new Map<string, string>();
  const descriptors = new Map<string, string>();
  let current = -1;
  for (const line of text.split('\n')) {
    const [, pid = '', by = '', begun, resumed, rest = ''] = LINE.exec(line) ?? [];
    const call = begun ?? resumed;
    if (call === undefined) continue;
    if (UNFINISHED.test(rest)) {
      unfinished.set(pid, rest.replace(UNFINISHED, ''));
      continue;
    }
    const whole = resumed === undefined ? rest : `${unfinished.get(pid) ?? ''}${rest}`;
    const [, status = '?', opened] = RESULT.exec(whole) ?? [];
    const given = argumentsOf(whole.slice(0, RESULT.exec(whole)?.index ?? whole.length));
    const first = given.find(({ isFolder }) => !isFolder)?.text ?? '';
    if (first.startsWith(`${MARKER_FOLDER}/`)) {
      current = Number(first.slice(MARKER_FOLDER.length + 1));
      continue;
    }
    const isOk = status !== '?' && !status.startsWith('-');
    const isOpen = call.startsWith('open');
    const openedAt = opened === undefined ? null : isHex(opened) ? textOfHex(opened) : opened;
    if (isOpen && isOk && openedAt !== null) descriptors.set(status, openedAt);
    const paths =
      isOpen && openedAt !== null ? [openedAt] : call.startsWith('exec') ? [] : pathsOf(call, given, descriptors);
    yield {
      ...{ case: current, by: isHex(by) ? textOfHex(by) : by, call, isOk, isWrite: isWrite(call, whole), line },
      ...{ texts: given.filter(({ isFolder }) => !isFolder).map((one) => one.text), paths },
    };
  }
}
