/** REST and browser-WebSocket schemas (TypeBox = JSON Schema): one definition for server, page, CLI and OpenAPI. */
export * from './audit.ts';
export * from './ban-search.ts';
export * from './live.ts';
export * from './nodes.ts';
export * from './people.ts';
export * from './pools.ts';
export * from './primitives.ts';
export * from './rollout-of.ts';
export * from './rule-place.ts';
export * from './run-strategy.ts';
export * from './runs.ts';
export * from './schedules.ts';
export * from './selector/index.ts';
export * from './shells.ts';
export * from './sign-on.ts';
export * from './trust.ts';
export * from './windows.ts';
