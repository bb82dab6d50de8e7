import type { Host } from '../host.ts';
import * as layout from '../hosting-layout.ts';
import { UID_RANGE } from '../params.ts';
import { refuse } from '../planner.ts';

export interface WebAccount {
  readonly account: string;
  readonly uid: number;
  readonly currentVersion: string;
  readonly webGid: number;
  /** Of its enabled sites. */
  readonly domains: readonly string[];
}

/** The account as the machine has it; refuses what was not made by account.create. */
export async function loadWebAccount(host: Host, account: string): Promise<WebAccount> {
  const user = await host.accounts.userByName(account);
  if (user === null) return refuse(`account ${account} does not exist on this node`);
  if (user.uid < UID_RANGE.first || user.uid > UID_RANGE.last || user.home !== layout.homeOf(account))
    return refuse(`user ${account} is no hosting account: uid ${user.uid}, home ${user.home}`);
  const link = await host.files.state(layout.socketLinkOf(account));
  const currentVersion = link.type === 'symlink' ? layout.versionOfTarget(account, link.target) : null;
  if (currentVersion === null)
    return refuse(
      `${layout.socketLinkOf(account)} is no link to a PHP socket of ${account}: this account is not managed here`,
    );
  const webGroup = await host.accounts.groupByName(layout.WEB_GROUP);
  if (webGroup === null) return refuse(`group ${layout.WEB_GROUP} does not exist: is this Debian's Apache?`);
  const domains = layout.domainsOf(account, await host.files.list(layout.SITES_ENABLED));
  return { account, uid: user.uid, currentVersion, webGid: webGroup.gid, domains };
}
