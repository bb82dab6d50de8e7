import type { Change } from '../change.ts';
import type { Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { countOf } from '../count-of.ts';

/** Is all that these changes ban in the kernel? */
export async function verifyBanned(host: Host, changes: readonly Change[]): Promise<readonly Verified[]> {
  const banned = new Set((await host.firewall.bans()).map(({ target }) => target));
  const wanted = changes.flatMap((change) => (change.kind === 'bans' ? change.entries : []));
  const missing = wanted.find(({ target, after }) => after !== null && !banned.has(target));
  return [
    {
      name: 'In the kernel',
      ok: missing === undefined,
      saw: missing?.target ?? `${countOf(banned.size, 'ban')} in all`,
    },
  ];
}
