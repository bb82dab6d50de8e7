/**
 * The HTTP server of people and programs: security headers, sign-in check, errors, limits, OpenAPI, the page, and the
 * decision about WebSocket upgrades. It knows no feature: their routes come in as functions, the people as an
 * `Authenticator`.
 */
export { actorOf, needSession } from './actor.ts';
export { callerOf, type Caller, type Credential } from './caller.ts';
export type { HttpApp } from './fastify-types.ts';
export { buildApp, closeApp, listen, type App } from './http-app.ts';
export { allowedOrigins } from './origin.ts';
export { requesterOf } from './requester-of.ts';
export { requestFrom } from './request-from.ts';
export {
  decisionOf,
  readableBy,
  readableOf,
  targetNodesOf,
  type Readable,
  type TargetSource,
} from './require-right.ts';
export { createSessionCookie, type SessionCookie } from './session-cookie.ts';
export { createSignOnCookie, type SignOnCookie } from './sign-on-cookie.ts';
export { createSocketTickets, type SocketTickets } from './socket-tickets.ts';
export { createUpgrades, type OpenSocket, type Upgrade, type UpgradeRoute, type Upgrades } from './upgrades.ts';
