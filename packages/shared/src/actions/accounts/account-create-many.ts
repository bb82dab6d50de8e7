import Type, { type Static } from 'typebox';
import { HaubanError } from '../../errors/index.ts';
import { rehearseSites, withReload } from '../apache-changes.ts';
import { defineAction, type Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { planChanges, type Planner } from '../planner.ts';
import {
  checkNewAccount,
  checkNode,
  loadWebGid,
  masterOf,
  NewAccount,
  noteDefaultSite,
  planAccount,
  planSharedFolders,
  planSiteFiles,
  planSocketLink,
  siteOf,
} from './new-account.ts';
import { verifyAccount, verifyDefault } from './verify-account.ts';

/** Accounts of one order: one that can not be made undoes the others of its order, so they are few. */
export const MOST_CREATED = 25;

const Args = Type.Object(
  { accounts: Type.Array(NewAccount, { minItems: 1, maxItems: MOST_CREATED, title: 'Accounts' }) },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

/** Two accounts of one order with the same name, number or domain would each be refused because of the other. */
function findTwice({ accounts }: Args): string | null {
  for (const key of ['name', 'uid', 'domain'] as const) {
    const seen = new Set<string | number>();
    for (const account of accounts) {
      if (seen.has(account[key])) return `two accounts have the ${key} ${account[key]}`;
      seen.add(account[key]);
    }
  }
  return null;
}

/** Says of which account it is. */
async function named<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    throw new HaubanError(error.code, `${name}: ${error.detail}`, { cause: error });
  }
}

/** Part by part: one start of all PHP masters, and one reload of Apache, whatever the number of accounts. */
async function planMany(planner: Planner, { accounts }: Args): Promise<void> {
  const { host } = planner;
  await checkNode(host, [...new Set(accounts.map(({ phpVersion }) => phpVersion))]);
  const [sites, webGid] = [await host.web.sites(), await loadWebGid(host)];
  noteDefaultSite(planner, sites, accounts);
  await planSharedFolders(planner);
  await planner.together(
    accounts.map((account) => (part) => named(account.name, planAccount(part, account, { sites, webGid }))),
  );
  await planner.phpMasters(accounts.map(masterOf));
  for (const account of accounts) await named(account.name, planSocketLink(planner, account));
  const count = accounts.length === 1 ? (accounts[0]?.domain ?? '') : `${accounts.length} sites`;
  await withReload(planner, { done: `${count} new`, undone: `${count} gone` }, async () => {
    for (const account of accounts) await named(account.name, planSiteFiles(planner, account));
  });
}

async function verifyOne(host: Host, account: NewAccount): Promise<readonly Verified[]> {
  const { name } = account;
  const verified = await verifyAccount(host, account);
  const bad = verified.filter(({ ok }) => !ok).map((one) => ({ ...one, name: `${name}: ${one.name}` }));
  return bad.length > 0 ? bad : [{ name, ok: true, saw: `${verified.length} checks hold` }];
}

export const accountCreateMany = defineAction({
  name: 'account.create-many',
  version: 1,
  title: 'Create many hosting accounts',
  docs: `Makes up to ${MOST_CREATED} hosting accounts, each as account.create makes it, with one rehearsal and one reload of Apache and one start of PHP for all of them. All of them are made, or none: one that can not be made is named. The node's policy has to allow account.create for each of them.

"hauban account import" sends whole files in orders of this kind. Undo removes all of them.`,
  risk: 'medium',
  roles: ['web'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: ['accounts.uid'],
  timeoutMs: 900_000,
  programs: ['apache2ctl', 'bwrap', 'groupadd', 'groupdel', 'journalctl', 'systemctl', 'unshare', 'useradd', 'userdel'],
  normalise(args) {
    for (const account of args.accounts) {
      const problem = checkNewAccount(account);
      if (problem !== null) return { ok: false, problem: `account ${account.name}: ${problem}` };
    }
    const problem = findTwice(args);
    return problem === null ? { ok: true, args } : { ok: false, problem };
  },
  locks: ({ accounts }) => [...accounts.map(({ name }) => `account:${name}`).toSorted(), 'apache', 'passwd'],
  plan: (host, args) => planChanges(host, (planner) => planMany(planner, args)),
  rehearse: (host, { accounts }, changes) => rehearseSites(host, changes, accounts.map(siteOf)),
  async verify(host, { accounts }) {
    const each = await Promise.all(accounts.map((account) => verifyOne(host, account)));
    return [...each.flat(), await verifyDefault(host)];
  },
});
