import { execFileSync } from 'node:child_process';

const NFT = '/usr/sbin/nft';
const nft = (...args: readonly string[]): string => execFileSync(NFT, args, { encoding: 'utf8' });

export const hasOwnTable = (): boolean => nft('list', 'tables').includes('table inet hauban');

/** What this machine's kernel bans for us, as nft shows it. */
export const kernelBans = (): string => (hasOwnTable() ? nft('list', 'table', 'inet', 'hauban') : '');

/** Leaves the machine as it was found. @param wasThere before the tests */
export function leaveTable(wasThere: boolean): void {
  if (!wasThere && hasOwnTable()) nft('delete', 'table', 'inet', 'hauban');
}
