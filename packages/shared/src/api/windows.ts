import Type, { type Static } from 'typebox';
import { closed, NullableTime, TimeMs, Uuid } from './primitives.ts';

/** Maintenance windows: when nodes may be changed. */

/**
 * POST /api/windows -> WindowRow. `only-inside`: these nodes get changing orders inside and at no other time (of several,
 * inside of any). `freeze`: they get none inside. Either again and again (`cron`, `zone`, `durationMinutes`) or once
 * (`from`, `until`); once it is over, a window of one time binds nothing any more.
 */
export const WindowRequest = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$', description: 'Lower-case letters, digits and -' }),
    kind: Type.Enum(['only-inside', 'freeze']),
    on: Type.String({
      minLength: 1,
      maxLength: 2000,
      description: 'Selector; which nodes it means is asked each time',
    }),
    cron: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'When it begins' })),
    zone: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'IANA zone; default UTC' })),
    durationMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_080 })),
    from: Type.Optional(TimeMs),
    until: Type.Optional(TimeMs),
  },
  closed,
);
export type WindowRequest = Static<typeof WindowRequest>;

export const WindowRow = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    kind: Type.Enum(['only-inside', 'freeze']),
    on: Type.String(),
    cron: Type.Union([Type.String(), Type.Null()]),
    zone: Type.String(),
    durationMinutes: Type.Union([Type.Integer(), Type.Null()]),
    from: NullableTime,
    until: NullableTime,
    createdAt: TimeMs,
    createdBy: Type.String(),
    /** When it ends, if it is now; else null. */
    nowUntil: NullableTime,
    nextFrom: NullableTime,
  },
  closed,
);
export type WindowRow = Static<typeof WindowRow>;
export const WindowList = Type.Array(WindowRow);
