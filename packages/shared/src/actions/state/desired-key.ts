import type { StateItem } from './state-items.ts';

/** Verbs that say the opposite of another one about the same thing: the last wish wins. */
const OPPOSITES: Readonly<Record<string, string>> = {
  'account.unsuspend': 'account.suspend',
  'firewall.unban': 'firewall.ban',
  'mailbox.unsuspend': 'mailbox.suspend',
  'service.stop': 'service.start',
};
/** Arguments that name a thing; the others say how it shall be. */
const NAMING = ['name', 'account', 'domain', 'unit', 'database', 'user', 'address', 'mailbox', 'targets'];
/** The domain of an account that is made is how it shall be, not which. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  'account.create': ['name'],
  'firewall.set-list': ['list', 'part'],
};

/** What an item is about: of two items with one key the later counts. */
export function desiredKey({ action, args }: StateItem): string {
  const names = (ONLY[action] ?? NAMING).filter((name) => args[name] !== undefined);
  const about = names.map((name) => `${name}=${JSON.stringify(args[name])}`).join(' ');
  return `${OPPOSITES[action] ?? action} ${about}`.slice(0, 1000);
}

/** The item that takes this one back; null: there is none that is safe to make up. */
export function counterItem({ action, args }: StateItem): StateItem | null {
  const { targets, unit, account, name } = args;
  switch (action) {
    case 'firewall.ban':
      return targets === undefined ? null : { action: 'firewall.unban', args: { targets } };
    case 'service.start':
      return { action: 'service.stop', args: { unit } };
    case 'service.stop':
      return { action: 'service.start', args: { unit } };
    case 'account.suspend':
      return { action: 'account.unsuspend', args: account === undefined ? { name } : { account } };
    default:
      return null;
  }
}
