import type { NodeBrief } from './node-columns.repository.ts';

export type FleetChange = { readonly kind: 'changed' | 'removed'; readonly node: NodeBrief };

/** Close codes of nodes that may not connect: removed, revoked, one of two copies. */
export type BarCode = 4401 | 4402 | 4412;

/**
 * Which nodes are connected to this controller, with what they last said: so that live frames and receipts need no
 * database read. Written by the link's events only, after they are stored.
 */
export interface Presence {
  find(nodeId: string): NodeBrief | null;
  shellsOf(nodeId: string): number;
  ids(): readonly string[];
  connected(node: NodeBrief): void;
  disconnected(node: NodeBrief): void;
  /** Stored again; kept here only while it is connected. */
  changed(node: NodeBrief): void;
  removed(node: NodeBrief): void;
  /** Stored: no link of this node may be up. The code says why. */
  barred(node: NodeBrief, code: BarCode): void;
  /** Stored: it may connect again. */
  admitted(node: NodeBrief): void;
  /** For a link that comes up at the moment at which its node is barred. */
  barOf(nodeId: string): BarCode | null;
  setShells(nodeId: string, count: number): void;
  /** Told of every change that was stored, also of nodes that are not connected. Must not throw. */
  onChange(listener: (change: FleetChange) => void): () => void;
}

export function createPresence(): Presence {
  const nodes = new Map<string, NodeBrief>();
  const shells = new Map<string, number>();
  /** Nodes that were barred here since this controller started. */
  const bars = new Map<string, BarCode>();
  const listeners = new Set<(change: FleetChange) => void>();
  const tell = (kind: FleetChange['kind'], node: NodeBrief): void => {
    for (const listener of listeners) listener({ kind, node });
  };
  const forget = (nodeId: string): void => {
    nodes.delete(nodeId);
    shells.delete(nodeId);
  };

  return {
    find: (nodeId) => nodes.get(nodeId) ?? null,
    shellsOf: (nodeId) => shells.get(nodeId) ?? 0,
    ids: () => [...nodes.keys()],
    connected: (node) => {
      // Two links that overlap may be told in the wrong order; the higher epoch is the newer one.
      if ((nodes.get(node.id)?.epoch ?? 0) > node.epoch) return;
      nodes.set(node.id, node);
      tell('changed', node);
    },
    disconnected: (node) => {
      if ((nodes.get(node.id)?.epoch ?? 0) > node.epoch) return;
      forget(node.id);
      tell('changed', node);
    },
    changed: (node) => {
      if (nodes.has(node.id)) nodes.set(node.id, node);
      tell('changed', node);
    },
    removed: (node) => {
      forget(node.id);
      bars.set(node.id, 4401);
      tell('removed', node);
    },
    barred: (node, code) => {
      if (nodes.has(node.id)) nodes.set(node.id, node);
      bars.set(node.id, code);
      tell('changed', node);
    },
    admitted: (node) => {
      if (nodes.has(node.id)) nodes.set(node.id, node);
      bars.delete(node.id);
      tell('changed', node);
    },
    barOf: (nodeId) => bars.get(nodeId) ?? null,
    setShells: (nodeId, count) => {
      if (nodes.has(nodeId)) shells.set(nodeId, count);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
