import Type, { type Static } from 'typebox';
import { closed } from './primitives.ts';

/** How a run goes over many nodes: what is said in a request, and what comes of it. */

/** Nodes as a number, or as a share of all nodes of the run: `5`, `'10%'`. */
export const Share = Type.Union([
  Type.Integer({ minimum: 1, maximum: 10_000 }),
  Type.String({ pattern: '^(?:100|[1-9][0-9]?)%$', description: '1% to 100% of the nodes of the run' }),
]);
export type Share = Static<typeof Share>;

/**
 * Canary first, then waves. What is left out is safe: one canary, then waves of 10 %, 25 %, 50 % and the rest, ten seconds
 * and a look at the health of the nodes between them, stopped by one failure in the canary and by 5 % of the nodes after it.
 */
export const Strategy = Type.Object(
  {
    canary: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000, description: 'Nodes that go first; 0: none' })),
    waves: Type.Optional(
      Type.Array(Share, { minItems: 1, maxItems: 20, description: 'Size of each wave; the last one is repeated' }),
    ),
    maxInFlight: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 5000, description: 'Nodes that work at the same time; default 500' }),
    ),
    pauseSeconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 86_400, description: 'Between two waves; default 10' }),
    ),
    healthGate: Type.Optional(
      Type.Boolean({ description: 'Look at the nodes of a wave before the next one; default true' }),
    ),
    stopAfter: Type.Optional(Share),
    stopAfterInCanary: Type.Optional(Share),
    onFailure: Type.Optional(
      Type.Union([Type.Literal('stop'), Type.Literal('undo')], {
        description: 'When the threshold is reached: stop (default), or stop and undo what succeeded',
      }),
    ),
  },
  closed,
);
export type Strategy = Static<typeof Strategy>;

/** A strategy as it was worked out for the nodes of a run: numbers only. */
export const Rollout = Type.Object(
  {
    /** Nodes of each wave, the canary first if there is one. */
    waves: Type.Array(Type.Integer({ minimum: 1 })),
    hasCanary: Type.Boolean(),
    maxInFlight: Type.Integer(),
    pauseMs: Type.Integer(),
    healthGate: Type.Boolean(),
    /** The run stops when this many nodes have failed. */
    stopAfter: Type.Integer(),
    /** The same while the canary is the only wave. */
    stopAfterInCanary: Type.Integer(),
    onFailure: Type.Union([Type.Literal('stop'), Type.Literal('undo')]),
  },
  closed,
);
export type Rollout = Static<typeof Rollout>;
