import { listOfReason } from '@hauban/shared/actions';
import type { BanSearch } from '@hauban/shared/api';

/** Bans of one list that were found: they come back as long as they are on it. */
export interface ListedBans {
  readonly list: string;
  readonly targets: readonly string[];
}

/** Which of the bans found were made by lists, list by list. */
export function listedBans({ found }: Pick<BanSearch, 'found'>): readonly ListedBans[] {
  const targets = new Map<string, Set<string>>();
  for (const { source, reason, target } of found.flatMap(({ answer }) => answer.bans)) {
    const list = source === 'hauban' ? listOfReason(reason) : null;
    if (list !== null) targets.set(list, (targets.get(list) ?? new Set()).add(target));
  }
  return [...targets].map(([list, each]) => ({ list, targets: [...each] }));
}
