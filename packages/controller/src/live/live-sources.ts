import type { NodeRow, RunRow, RunTarget } from '@hauban/shared/api';
import type { Caller, Readable } from '../http/index.ts';

/** One tick of a node as it came in: values in the order of `names`; null is a gap. */
export interface LiveTickOfNode {
  readonly nodeId: string;
  readonly at: number;
  readonly names: readonly string[];
  readonly values: readonly (number | null)[];
}

export type RunEvent =
  | { readonly kind: 'run'; readonly run: RunRow }
  | { readonly kind: 'target'; readonly runId: string; readonly target: RunTarget };

/** Where the hub gets its news. Each `on…` returns its own end; listeners must not throw and are called after the commit. */
export interface LiveSources {
  /** A node that changed, was removed, or told new figures. */
  onNode(listener: (nodeId: string) => void): () => void;
  /** The row as the fleet page shows it now; null: removed. */
  nodeRow(nodeId: string): NodeRow | null | Promise<NodeRow | null>;
  onTick(listener: (tick: LiveTickOfNode) => void): () => void;
  onRun(listener: (event: RunEvent) => void): () => void;
  /** What this person may see: of these nodes, those; null: every one. */
  readableBy(caller: Caller): Readable | null;
  /** Nodes of a run; null: there is no such run. */
  nodesOfRun(runId: string): Promise<readonly string[] | null>;
  /** Asks a node for frames at this pace; it lapses there after a minute (rule METRIC4). Nothing happens when it is offline. */
  watchNode(nodeId: string, periodMs: 1000 | 10_000): void;
}
