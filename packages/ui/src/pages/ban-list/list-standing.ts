import type { DriftRow, PoolDetail, PoolMember } from '@hauban/shared/api';

/** How a node of a pool stands with one ban list. */
export type Standing = 'blocked' | 'differs' | 'on-its-way' | 'adopted' | 'has-it';

export interface NodeStanding {
  readonly member: PoolMember;
  readonly standing: Standing;
  /** What its last compare said, or what is done there now. */
  readonly says: string;
}

const LIST_ACTION = 'firewall.set-list';

const wasCompared = ({ inOrder, differs, blocked, adopted }: PoolMember): boolean =>
  inOrder + differs + blocked + adopted > 0;

function standingOf(member: PoolMember, drift: readonly DriftRow[]): NodeStanding {
  const open = drift.find(({ adoptedAt }) => adoptedAt === null);
  const isKnown = member.isCurrent && wasCompared(member);
  if (member.work !== null) return { member, standing: 'on-its-way', says: member.work.says };
  if (!isKnown) return { member, standing: 'on-its-way', says: '' };
  if (open !== undefined) return { member, standing: open.state, says: open.says };
  return { member, standing: drift.length > 0 ? 'adopted' : 'has-it', says: '' };
}

const ORDER: readonly Standing[] = ['blocked', 'differs', 'on-its-way', 'adopted', 'has-it'];

/**
 * How all nodes of a pool stand with a list, the worst first. Only what a node was found to have when it was compared
 * with what is wished now counts as there.
 */
export function standingsOf(pool: PoolDetail, drift: readonly DriftRow[], list: string): readonly NodeStanding[] {
  const wishes = pool.items.filter(({ action, args }) => action === LIST_ACTION && args['list'] === list);
  const ids = new Set(wishes.map(({ id }) => id));
  return pool.members
    .map((member) =>
      standingOf(
        member,
        drift.filter(({ nodeId, itemId }) => nodeId === member.nodeId && ids.has(itemId)),
      ),
    )
    .toSorted((a, b) => ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing));
}
