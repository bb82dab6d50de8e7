/**
 * Who may call a route at all: anybody (`public`), anybody with an account (`signed-in`), those who act on nodes
 * (`operator`), those who decide who comes in (`owner`).
 */
export const ACCESS_LEVELS = ['public', 'signed-in', 'operator', 'owner'] as const;
export type Access = (typeof ACCESS_LEVELS)[number];

/** What a route asks for on its targets. */
export type Need = 'read' | 'action' | 'shell' | 'attach' | 'edit-node' | 'override-window' | 'admin';

/**
 * Where the targets of a request are: the node, run, pool or shell of the path, the nodes of the body, all of the fleet, or
 * (`list`) nowhere yet: the handler leaves out of the answer what the caller may not read.
 */
export interface RouteNeed {
  readonly right: Need;
  readonly on: 'node' | 'nodes' | 'run' | 'pool' | 'ban-list' | 'session' | 'fleet' | 'list';
  /**
   * What a rule with `needsApproval` means here: the handler makes it wait for another person (`waits`), or it only stops
   * what was asked for (`not-asked`). Unsaid, nothing here can wait, and such a rule refuses.
   */
  readonly approval?: 'waits' | 'not-asked';
}
