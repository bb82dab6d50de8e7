import type { NodeId } from '@hauban/shared/protocol';
import type { NodeLink, NodeLinks } from './ports.ts';

/** What the registry may do to a link beyond what services may. */
export interface RegisteredLink extends NodeLink {
  /** Rule LIFE3. */
  replaced(): void;
}

/** Which link of a node counts: the one with the highest epoch. One entry a node. */
export interface LinkRegistry extends NodeLinks {
  /** Puts a link in its node's place and closes the older one. False: a newer one is there already. */
  enter(link: RegisteredLink): boolean;
  /** Only if it is still the one that counts. */
  leave(link: RegisteredLink): void;
  readonly size: number;
}

export function createLinkRegistry(): LinkRegistry {
  const links = new Map<NodeId, RegisteredLink>();
  return {
    find: (nodeId) => links.get(nodeId) ?? null,
    all: () => [...links.values()],
    enter: (link) => {
      const before = links.get(link.nodeId);
      if (before !== undefined && before.epoch > link.epoch) return false;
      links.set(link.nodeId, link);
      before?.replaced();
      return true;
    },
    leave: (link) => {
      if (links.get(link.nodeId) === link) links.delete(link.nodeId);
    },
    get size() {
      return links.size;
    },
  };
}
