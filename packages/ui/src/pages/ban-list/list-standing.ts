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

const isOpen = ({ adoptedAt }: DriftRow): boolean => adoptedAt === null;

/** @param ofNode all its differences; those of the list are among them */
function standingOf(member: PoolMember, ofNode: readonly DriftRow[], ids: ReadonlySet<string>): NodeStanding {
  const drift = ofNode.filter(({ itemId }) => ids.has(itemId));
  const open = drift.find(isOpen);
  // The differences are read apart from the pool: they may be those from before its last compare.
  const isWhole = ofNode.filter(isOpen).length >= member.differs + member.blocked;
  const isKnown = member.isCurrent && wasCompared(member) && (isWhole || open !== undefined);
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
        drift.filter(({ nodeId }) => nodeId === member.nodeId),
        ids,
      ),
    )
    .toSorted((a, b) => ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing));
}
