import Type, { type Static } from 'typebox';
import { closed, Cursor, NullableTime, TimeMs, Uuid } from './primitives.ts';

/** Webhooks: what other software is told, signed by the controller (docs/rest-api.md has what a receiver checks). */

/**
 * What can be told. A run that ends is told once: `run.finished` when every order ended well, else `run.failed`. A node is
 * `node.offline` when it has been away for a minute.
 */
export const WEBHOOK_EVENTS = [
  'run.started',
  'run.waiting',
  'run.finished',
  'run.failed',
  'node.online',
  'node.offline',
  'ban.placed',
  'ban.lifted',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** POST /api/webhooks -> WebhookRow. */
export const WebhookRequest = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$', description: 'Lower-case letters, digits and -' }),
    url: Type.String({ minLength: 1, maxLength: 500, description: 'https address of the receiver' }),
    events: Type.Array(Type.Enum([...WEBHOOK_EVENTS]), {
      minItems: 1,
      maxItems: WEBHOOK_EVENTS.length,
      uniqueItems: true,
    }),
    on: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2000,
        description: 'Selector: only what is about at least one of these nodes, as they are when it is sent',
      }),
    ),
  },
  closed,
);
export type WebhookRequest = Static<typeof WebhookRequest>;

export const WebhookRow = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    url: Type.String(),
    events: Type.Array(Type.String()),
    on: Type.Union([Type.String(), Type.Null()]),
    createdAt: TimeMs,
    createdBy: Type.String(),
    /** Deliveries that are not through yet, and those that were given up. */
    due: Type.Integer(),
    dead: Type.Integer(),
    lastDeliveredAt: NullableTime,
    /** Why the newest one that was tried did not go through; null: it did. */
    problem: Type.Union([Type.String(), Type.Null()]),
  },
  closed,
);
export type WebhookRow = Static<typeof WebhookRow>;
export const WebhookList = Type.Array(WebhookRow);

/** `dead`: given up after a day; it can be sent again. */
export const DeliveryState = Type.Enum(['due', 'delivered', 'dead']);

export const WebhookDelivery = Type.Object(
  {
    /** Of what is told: the same however often it is sent. */
    id: Uuid,
    event: Type.String(),
    happenedAt: TimeMs,
    state: DeliveryState,
    attempts: Type.Integer(),
    /** When it is tried next; null: it is over. */
    nextAt: NullableTime,
    /** HTTP status of the last answer. */
    status: Type.Union([Type.Integer(), Type.Null()]),
    /** One sentence about the last attempt; null: none yet, or it went well. */
    says: Type.Union([Type.String(), Type.Null()]),
    endedAt: NullableTime,
    runId: Type.Union([Uuid, Type.Null()]),
    nodeId: Type.Union([Uuid, Type.Null()]),
  },
  closed,
);
export type WebhookDelivery = Static<typeof WebhookDelivery>;

/** GET /api/webhooks/:webhookId/deliveries: the newest first. */
export const DeliveriesQuery = Type.Object(
  {
    state: Type.Optional(DeliveryState),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  },
  closed,
);
export type DeliveriesQuery = Static<typeof DeliveriesQuery>;
export const DeliveryPage = Type.Object({ deliveries: Type.Array(WebhookDelivery), cursor: Cursor }, closed);
export type DeliveryPage = Static<typeof DeliveryPage>;

/** POST /api/webhooks/:webhookId/redeliver -> how many are due again: one of its deliveries, or all dead ones. */
export const RedeliverRequest = Type.Object({ deliveryId: Type.Optional(Uuid) }, closed);
export type RedeliverRequest = Static<typeof RedeliverRequest>;
export const Redelivered = Type.Object({ count: Type.Integer() }, closed);
export type Redelivered = Static<typeof Redelivered>;

/** GET /api/webhook-keys: a JWK set (RFC 7517), for whoever receives webhooks. */
export const WebhookKeys = Type.Object(
  {
    keys: Type.Array(
      Type.Object({
        kty: Type.Literal('OKP'),
        crv: Type.Literal('Ed25519'),
        x: Type.String(),
        kid: Type.String(),
        alg: Type.Literal('EdDSA'),
        use: Type.Literal('sig'),
      }),
    ),
  },
  closed,
);
export type WebhookKeys = Static<typeof WebhookKeys>;

/** The body of a webhook. `id` is of what is told: a receiver that has seen it has nothing to do. */
export interface WebhookBody {
  readonly id: string;
  readonly type: string;
  /** When it happened, Unix ms. */
  readonly at: number;
  readonly data: unknown;
}
