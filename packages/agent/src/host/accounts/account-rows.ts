import { readFile } from 'node:fs/promises';
import {
  domainsOf,
  HOMES_ROOT,
  RUN_ROOT,
  SITES_ENABLED,
  socketLinkOf,
  SUSPENDED_ROOT,
  UID_RANGE,
  versionOfTarget,
  type AccountRow,
  type HostFiles,
} from '@hauban/shared/actions';
import { isName } from './account-name.ts';

const DAY_MS = 86_400_000;

async function expiries(): Promise<ReadonlyMap<string, number>> {
  const lines = (await readFile('/etc/shadow', 'utf8')).split('\n').map((line) => line.split(':'));
  return new Map(lines.flatMap(([name = '', , , , , , , day = '']) => (day === '' ? [] : [[name, Number(day)]])));
}

/** From the files themselves: a thousand accounts are one read of each, not a thousand programs. */
export async function listAccounts(files: HostFiles, nowMs: number): Promise<readonly AccountRow[]> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const days = await expiries();
  const sites = await files.list(SITES_ENABLED);
  const suspended = new Set(await files.list(SUSPENDED_ROOT));
  const links = new Set(await files.list(RUN_ROOT));
  const today = Math.floor(nowMs / DAY_MS);
  const rows: AccountRow[] = [];
  for (const [name = '', , id = '', , , home = ''] of users) {
    const uid = Number(id);
    if (!isName(name) || uid < UID_RANGE.first || uid > UID_RANGE.last || home !== `${HOMES_ROOT}/${name}`) continue;
    const link = links.has(`${name}.sock`) ? await files.state(socketLinkOf(name)) : null;
    rows.push({
      name,
      uid,
      php: link?.type === 'symlink' ? versionOfTarget(name, link.target) : null,
      domains: domainsOf(name, sites),
      isSuspended: suspended.has(`${name}.json`),
      isExpired: (days.get(name) ?? Infinity) <= today,
    });
  }
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
