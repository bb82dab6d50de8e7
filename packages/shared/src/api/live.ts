import Type, { type Static } from 'typebox';
import { NodeRow } from './nodes.ts';
import { RunRow, RunTarget } from './runs.ts';
import { closed, TimeMs, Uuid } from './primitives.ts';

/**
 * WebSocket /api/live (ticket or bearer), JSON text messages.
 * The page subscribes to topics; the server answers with events. `watch-node` raises the node to one frame a second
 * while at least one page watches; repeat it at least every 30 s, it lapses after 60 s.
 */
export const LiveRequest = Type.Union([
  Type.Object({ t: Type.Literal('watch-fleet') }, closed),
  Type.Object(
    {
      t: Type.Literal('watch-node'),
      nodeId: Uuid,
      series: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 200 }),
    },
    closed,
  ),
  Type.Object({ t: Type.Literal('unwatch-node'), nodeId: Uuid }, closed),
  Type.Object({ t: Type.Literal('watch-run'), runId: Uuid }, closed),
  Type.Object({ t: Type.Literal('unwatch-run'), runId: Uuid }, closed),
]);
export type LiveRequest = Static<typeof LiveRequest>;

/** `node-samples`: values in the order of `series` of the request, after prefix expansion (`names`); null = gap. */
export const LiveEvent = Type.Union([
  Type.Object({ t: Type.Literal('node'), node: NodeRow }, closed),
  Type.Object({ t: Type.Literal('node-removed'), nodeId: Uuid }, closed),
  Type.Object(
    {
      t: Type.Literal('node-samples'),
      nodeId: Uuid,
      at: TimeMs,
      names: Type.Array(Type.String()),
      values: Type.Array(Type.Union([Type.Number(), Type.Null()])),
    },
    closed,
  ),
  Type.Object({ t: Type.Literal('run'), run: RunRow }, closed),
  Type.Object({ t: Type.Literal('run-target'), runId: Uuid, target: RunTarget }, closed),
  Type.Object({ t: Type.Literal('error'), code: Type.String(), detail: Type.String() }, closed),
]);
export type LiveEvent = Static<typeof LiveEvent>;
