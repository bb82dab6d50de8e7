import { integer, list, record, text } from './check.ts';
import { LIMITS } from './limits.ts';

/**
 * Parts of a node's configuration of which it can say that something in them changed (rule AREA1). The list is closed:
 * an area is a word, so that no name of a file leaves the node. Which folders belong to one is the node's to know.
 *
 *   apache   virtual hosts and modules           packages  the package manager's own list
 *   hosting  what is kept for accounts and mail  php       PHP's own configuration
 *   nginx    its sites                           units     units of the service manager
 *   users    users, groups, their passwords
 */
export const CHANGE_AREAS = ['apache', 'hosting', 'nginx', 'packages', 'php', 'units', 'users'] as const;
export type ChangeArea = (typeof CHANGE_AREAS)[number];

export const isChangeArea = (name: string): name is ChangeArea => (CHANGE_AREAS as readonly string[]).includes(name);

/** Names, as the controller sends them: a node leaves out those that it does not know. */
export const checkWatchedAreas = list(text(32), 32);

/** For each area how long ago its first change was seen, ms: an age, because clocks of nodes are wrong. */
export const checkAreaChanges = record(
  new RegExp(`^(?:${CHANGE_AREAS.join('|')})$`),
  integer(0, LIMITS.changeAgeMs),
  CHANGE_AREAS.length,
);
