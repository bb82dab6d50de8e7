import { HaubanError } from '../errors/index.ts';
import type { ChangeHandler } from './change-handler.ts';
import type { Change } from './change.ts';
import type { ResourceChange, ResourceName, ResourceWords, TaskChange } from './resource.ts';
import { ACCOUNT_WORDS } from './accounts/account-words.ts';
import { BALANCER_WORDS } from './balancer/balancer-words.ts';
import { DATABASE_WORDS } from './databases/database-words.ts';
import { HYPERVISOR_WORDS } from './hypervisor/hypervisor-words.ts';
import { MAIL_WORDS } from './mail/mail-words.ts';
import { PACKAGE_WORDS } from './packages/package-words.ts';
import { PROTECTION_WORDS } from './protection/protection-words.ts';
import { SERVICE_WORDS } from './services/service-words.ts';
import { STORAGE_WORDS } from './storage/storage-words.ts';
import { WEB_WORDS } from './web/web-words.ts';

/** The two general kinds of change: a thing with a value, and a moment of work. */

const WORDS: { readonly [N in ResourceName]: ResourceWords } = {
  ...ACCOUNT_WORDS,
  ...BALANCER_WORDS,
  ...DATABASE_WORDS,
  ...HYPERVISOR_WORDS,
  ...MAIL_WORDS,
  ...PACKAGE_WORDS,
  ...PROTECTION_WORDS,
  ...SERVICE_WORDS,
  ...STORAGE_WORDS,
  ...WEB_WORDS,
};

/** Equal values have equal texts: keys in order, absent and undefined the same. */
export function sameValue(a: unknown, b: unknown): boolean {
  return sortedText(a) === sortedText(b);
}

function sortedText(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return entry;
    return Object.fromEntries(Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

const nameOf = ({ resource, id }: ResourceChange): string => `${WORDS[resource].noun} ${id}`;

export const resourceHandler: ChangeHandler<'resource'> = {
  async state(host, { resource, id, before, after }) {
    const now = await host.resources.read(resource, id);
    if (sameValue(now, after)) return 'after';
    return sameValue(now, before) ? 'before' : 'other';
  },
  apply: (host, { resource, id, after }) => host.resources.write(resource, id, after),
  async revert(host, change) {
    if (change.irreversible === true)
      throw new HaubanError('ACTION_UNDO_FAILED', `${nameOf(change)} is as it was made: that can not be taken back`);
    await host.resources.write(change.resource, change.id, change.before);
  },
};

export const taskHandler: ChangeHandler<'task'> = {
  isMoment: true,
  state: () => Promise.resolve('after'),
  async apply(host, { task, args, when }) {
    if (when === 'apply') await host.tasks.run(task, args);
  },
  async revert(host, { task, args, when, title, irreversible }) {
    if (irreversible === true) throw new HaubanError('ACTION_UNDO_FAILED', `${title}: that can not be taken back`);
    if (when === 'undo') await host.tasks.run(task, args);
  },
};

/** `key: value`, a line each; hidden fields keep their name only. */
function valueText(value: unknown, { hidden = [] }: ResourceWords): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'object') return JSON.stringify(value);
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]: [string, unknown]) => {
      if (hidden.includes(key)) return `${key}: (not shown)`;
      return `${key}: ${typeof entry === 'string' ? entry : JSON.stringify(entry)}`;
    })
    .join('\n');
}

/** What a person reads of it; see `describeChange`. */
export function describeResource(change: ResourceChange | TaskChange): {
  readonly kind: Change['kind'];
  readonly title: string;
  readonly before: string | null;
  readonly after: string | null;
} {
  if (change.kind === 'task') {
    const title = change.when === 'undo' ? `When undone: ${change.title}` : change.title;
    return { kind: 'task', title, before: null, after: null };
  }
  const { before, after } = change;
  const words = WORDS[change.resource];
  const verb = before === null ? 'Create' : after === null ? 'Remove' : 'Change';
  const warning = change.irreversible === true ? ' (can not be undone)' : '';
  return {
    kind: 'resource',
    title: `${verb} ${nameOf(change)}${warning}`,
    before: valueText(before, words),
    after: valueText(after, words),
  };
}
