import { isLasting, type Change } from '@hauban/shared/actions';

/** Names of the things that a change touches: two changes with a name in common are about the same thing. */
function keysOf(change: Change): readonly string[] {
  switch (change.kind) {
    case 'group':
    case 'user':
      return [`${change.kind} ${(change.after ?? change.before)?.name ?? ''}`];
    case 'directory':
    case 'file':
    case 'symlink':
      return [`path ${change.path}`];
    case 'php-master':
      return [`php ${change.master.account} ${change.master.version}`];
    case 'php-masters':
      return change.masters.map(({ account, version }) => `php ${account} ${version}`);
    case 'bans':
      return change.entries.map(({ target }) => `ban ${target}`);
    case 'resource':
      return [`${change.resource} ${change.id}`];
    default:
      return [];
  }
}

/** Of a whole plan, each once. Moments touch nothing that lasts. A directory that many share is nobody's own. */
export const changeKeys = (changes: readonly Change[]): readonly string[] => [
  ...new Set(
    changes
      .filter((change) => isLasting(change) && !(change.kind === 'directory' && change.shared === true))
      .flatMap(keysOf),
  ),
];
