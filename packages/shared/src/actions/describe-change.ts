import { countOf } from './count-of.ts';
import type { BanChange, Change, DirectoryChange, FileChange } from './change.ts';
import type { FileMeta, GroupEntry, UserEntry } from './host.ts';
import { describeResource } from './resource-changes.ts';

/** One change as people see it; `before` and `after` are texts to be shown as a diff, null = absent. */
export interface DescribedChange {
  readonly kind: string;
  readonly title: string;
  readonly before: string | null;
  readonly after: string | null;
}

const metaText = ({ mode, uid, gid }: FileMeta): string =>
  `${mode.toString(8).padStart(4, '0')} ${uid === 0 ? 'root' : uid}:${gid === 0 ? 'root' : gid}`;

const verb = (before: unknown, after: unknown): string => {
  if (before === null) return 'Create';
  return after === null ? 'Remove' : 'Change';
};

/** Lines as /etc/group and /etc/passwd have them. */
const groupLine = (group: GroupEntry | null): string | null =>
  group === null ? null : `${group.name}:x:${group.gid}:${group.members.join(',')}`;
const userLine = (user: UserEntry | null): string | null =>
  user === null ? null : [user.name, 'x', user.uid, user.gid, user.comment, user.home, user.shell].join(':');

function describeDirectory({ path, before, after, initial }: DirectoryChange): DescribedChange {
  const files = (initial ?? []).map(
    (file) => `${file.name} (${file.mode.toString(8).padStart(4, '0')})\n${file.content}`,
  );
  const text = (meta: FileMeta | null, withFiles: boolean): string | null =>
    meta === null ? null : [metaText(meta), ...(withFiles ? files : [])].join('\n');
  return {
    kind: 'directory',
    title: `${verb(before, after)} directory ${path}`,
    before: text(before, before !== null && after === null),
    after: text(after, before === null),
  };
}

function describeFile({ path, before, after, grows }: FileChange): DescribedChange {
  const isMetaOnly = before !== null && after !== null && before.content === after.content;
  const text = (file: FileChange['before']): string | null => {
    if (file === null) return null;
    return isMetaOnly || grows === true ? metaText(file) : file.content;
  };
  const meta = after ?? before;
  return {
    kind: 'file',
    title: `${verb(before, after)} ${grows === true ? 'log ' : ''}file ${path}${meta === null ? '' : ` (${metaText(meta)})`}`,
    before: text(before),
    after: text(after),
  };
}

/** 5400 -> `1 h 30 min`. */
export function durationText(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const parts: string[] = [];
  let rest = seconds;
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.length === 0 ? '0 s' : parts.slice(0, 2).join(' ');
}

const untilText = (expiresAt: number | null): string =>
  expiresAt === null ? 'until lifted' : `until ${new Date(expiresAt).toISOString().slice(0, 19)}Z`;

function describeBans(entries: readonly BanChange[]): DescribedChange {
  const before = entries.flatMap((entry) =>
    entry.before === null ? [] : [`${entry.target} ${untilText(entry.before.expiresAt)} (${entry.before.reason})`],
  );
  const after = entries.flatMap((entry) => {
    if (entry.after === null) return [];
    const { durationS, reason } = entry.after;
    return [`${entry.target} ${durationS === null ? 'until lifted' : `for ${durationText(durationS)}`} (${reason})`];
  });
  const first = entries[0]?.target ?? 'nothing';
  const what = entries.length === 1 ? first : `${entries.length} addresses and prefixes`;
  return {
    kind: 'bans',
    title: `${after.length === 0 ? 'Unban' : 'Ban'} ${what}`,
    before: before.length === 0 ? null : before.join('\n'),
    after: after.length === 0 ? null : after.join('\n'),
  };
}

type Entry = Extract<Change, { kind: 'group' | 'user' }>;
function describeEntry(change: Entry): DescribedChange {
  const name = (change.after ?? change.before)?.name ?? '';
  const [before, after] =
    change.kind === 'group'
      ? [groupLine(change.before), groupLine(change.after)]
      : [userLine(change.before), userLine(change.after)];
  return { kind: change.kind, title: `${verb(before, after)} ${change.kind} ${name}`, before, after };
}

type Moment = Extract<Change, { kind: 'php-check' | 'apache-reload' }>;
function momentTitle(change: Moment): string {
  if (change.kind === 'apache-reload')
    return change.when === 'undo' ? 'When undone: reload Apache' : `Reload Apache: ${change.why}`;
  const { master, through, page, site } = change;
  const where = through === 'socket' ? 'on its own socket' : `through Apache on ${site.host}`;
  const title = `Check that PHP ${master.version} answers as ${master.account} ${where}`;
  return page === undefined ? title : `${title}, and that ${page} does not fail`;
}

/** What a person reads in a plan. Texts may hold what is in a file: escape them where they are shown. */
export function describeChange(change: Change): DescribedChange {
  const { kind } = change;
  switch (change.kind) {
    case 'group':
    case 'user':
      return describeEntry(change);
    case 'directory':
      return describeDirectory(change);
    case 'file':
      return describeFile(change);
    case 'symlink': {
      const { path, before, after } = change;
      return { kind, title: `${verb(before, after)} link ${path}`, before, after };
    }
    case 'php-master': {
      const { master, before, after } = change;
      const title = `${after === 'running' ? 'Start' : 'Stop'} PHP ${master.version} of ${master.account}`;
      return { kind, title, before, after };
    }
    case 'php-masters': {
      const after = change.masters.map(({ account, version }) => `${account} ${version}`).join('\n');
      return { kind, title: `Start PHP of ${countOf(change.masters.length, 'account')}`, before: null, after };
    }
    case 'php-check':
    case 'apache-reload':
      return { kind, title: momentTitle(change), before: null, after: null };
    case 'resource':
    case 'task':
      return describeResource(change);
    default:
      return describeBans(change.entries);
  }
}
