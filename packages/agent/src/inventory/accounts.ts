import { ACCOUNT_UID_MAX, ACCOUNT_UID_MIN } from '@hauban/shared/inventory';
import type { Section } from './section.ts';

interface AccountRow {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
}

/** Users of /etc/passwd in the uid range of hosting accounts. */
export function parseAccounts(source: string): AccountRow[] {
  const rows: AccountRow[] = [];
  for (const line of source.split('\n')) {
    const [name, , uidText, , , home, shell] = line.split(':');
    const uid = Number(uidText);
    if (name === undefined || home === undefined || shell === undefined) continue;
    if (Number.isInteger(uid) && uid >= ACCOUNT_UID_MIN && uid <= ACCOUNT_UID_MAX)
      rows.push({ name, uid, home, shell });
  }
  return rows.sort((a, b) => a.uid - b.uid);
}

export const accounts: Section = {
  name: 'accounts',
  async take(host) {
    return parseAccounts((await host.readText('/etc/passwd')) ?? '');
  },
};
