import type { Verified } from '../define-action.ts';
import type { AccessLook, Host } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { PROBE_URL } from '../web/probe-page.ts';
import { attempt, verifyMaster, verifyPage } from '../web/verify-steps.ts';
import { masterOf, siteOf, type NewAccount } from './new-account.ts';

/** What a new account is looked at for. */

async function verifyUser(host: Host, args: NewAccount): Promise<readonly Verified[]> {
  const { name, uid } = args;
  const [byName, byUid, groupByName, groupByGid] = [
    await host.accounts.userByName(name),
    await host.accounts.userByUid(uid),
    await host.accounts.groupByName(name),
    await host.accounts.groupByGid(uid),
  ];
  const ranges = await host.accounts.subordinateRanges(name, uid);
  return [
    { name: 'User by name', ok: byName?.uid === uid && byName.gid === uid, saw: `uid ${byName?.uid ?? 'none'}` },
    { name: 'User by uid', ok: byUid?.name === name, saw: byUid?.name ?? 'none' },
    {
      name: 'Group both ways',
      ok: groupByName?.gid === uid && groupByGid?.name === name,
      saw: groupByGid?.name ?? 'none',
    },
    { name: 'No subordinate ids', ok: ranges.length === 0, saw: ranges[0] ?? 'none' },
  ];
}

interface Look extends AccessLook {
  readonly name: string;
  /** What is seen when it is as it should be, and when it is not. */
  readonly words: readonly [well: string, wrong: string];
}

async function looksAtTree(host: Host, name: string): Promise<readonly Look[]> {
  const home = layout.homeOf(name);
  const own = ['tmp', 'var/www'].map((folder): Look => ({
    name: `May write ${folder}`,
    operation: 'write',
    path: `${home}/${folder}`,
    isAllowed: true,
    words: ['yes', 'no'],
  }));
  const not = { isAllowed: false, words: ['it may not', 'it may'] } as const;
  const inHome: Look = { name: 'May not write its home', operation: 'write', path: home, ...not };
  const neighbour = (await host.files.list(layout.HOMES_ROOT)).find(
    (other) => other !== name && !other.startsWith('.'),
  );
  if (neighbour === undefined) return [...own, inHome];
  const path = `${layout.homeOf(neighbour)}/var/www`;
  return [...own, inHome, { name: `May not list ${neighbour}`, operation: 'list', path, ...not }];
}

/** One by one only when something is wrong. */
async function verifyTree(host: Host, { name, uid }: NewAccount): Promise<readonly Verified[]> {
  const looks = await looksAtTree(host, name);
  const isAllWell = await host.accounts.allSoAs(uid, uid, looks);
  const checks: Verified[] = [];
  for (const { name: title, operation, path, isAllowed, words } of looks) {
    const ok = isAllWell || (await host.accounts.canAs(uid, uid, operation, path)) === isAllowed;
    checks.push({ name: title, ok, saw: ok ? words[0] : words[1] });
  }
  return checks;
}

async function verifyDefaultSite(host: Host): Promise<Verified> {
  const reply = await host.web.probe({ host: 'unknown.invalid', path: PROBE_URL, port: 80 });
  const isOurs = reply.ok && reply.status === 200 && reply.body.includes('"hauban"');
  return { name: 'Unknown names go elsewhere', ok: !isOurs, saw: reply.ok ? `status ${reply.status}` : reply.problem };
}

/** Everything that is its own. */
export async function verifyAccount(host: Host, args: NewAccount): Promise<readonly Verified[]> {
  return [
    ...(await verifyUser(host, args)),
    ...(await verifyTree(host, args)),
    ...(await verifyMaster(host, masterOf(args), siteOf(args))),
    await verifyPage(host, siteOf(args)),
  ];
}

export const verifyDefault = (host: Host): Promise<Verified> =>
  attempt('Unknown names go elsewhere', () => verifyDefaultSite(host));
