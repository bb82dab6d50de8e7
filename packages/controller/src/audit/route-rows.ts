import type { AuditCode } from '@hauban/shared/audit';

/**
 * Routes that change something and write entries of their own when they succeed: these codes, in the transaction of
 * the change. Every other route that is not a reading one gets the general entry (A1032I), so that none is forgotten.
 * An empty list: it changes nothing that anybody would ask about, and says why.
 */
export const ROUTE_ROWS: Readonly<Record<string, readonly AuditCode[]>> = {
  'POST /api/setup': ['A1000I'],
  'POST /api/sign-in': ['A1010I'],
  'POST /api/sign-in/passkey': ['A1010I'],
  'POST /api/sign-on/finish': ['A1010I', 'A1060I'],
  'POST /api/me/sign-ons': ['A1064I'],
  'POST /api/me/sign-ons/:id/remove': ['A1061I'],
  'POST /api/sign-out': ['A1012I'],
  'POST /api/tokens': ['A1020I'],
  'DELETE /api/tokens/:id': ['A1021I'],
  'POST /api/cli-sign-in/approve': ['A1022I'],
  'POST /api/join-tokens': ['A2000I'],
  'DELETE /api/join-tokens/:id': ['A2001I'],
  'PATCH /api/nodes/:nodeId': ['A2030I'],
  'DELETE /api/nodes/:nodeId': ['A2031I'],
  'POST /api/runs': ['A3000I'],
  'POST /api/runs/:runId/cancel': ['A3008W'],
  'POST /api/runs/:runId/pause': ['A3006I'],
  'POST /api/runs/:runId/resume': ['A3007I'],
  'POST /api/runs/:runId/undo': ['A3018W'],
  'POST /api/runs/:runId/retry': ['A3000I'],
  'POST /api/schedules': ['A3040I'],
  'POST /api/schedules/:scheduleId/pause': ['A3041I'],
  'POST /api/schedules/:scheduleId/resume': ['A3042I'],
  'DELETE /api/schedules/:scheduleId': ['A3043W'],
  'POST /api/windows': ['A3046I'],
  'DELETE /api/windows/:windowId': ['A3047W'],
  'POST /api/webhooks': ['A3050I'],
  'DELETE /api/webhooks/:webhookId': ['A3051W'],
  'POST /api/webhooks/:webhookId/test': ['A3052I'],
  'POST /api/webhooks/:webhookId/redeliver': ['A3053I'],
  // Reads only; the selector is too long for an address.
  'POST /api/runs/targets': [],
  'POST /api/nodes/:nodeId/shells': ['A4000I'],
  'POST /api/audit/findings/:id/acknowledge': ['A6012I'],
  // A ticket opens one socket within seconds; what is done over the socket has its own entries.
  'POST /api/socket-tickets': [],
  // Challenges are random numbers: what is done with them is a sign-in or a set-up.
  'POST /api/setup/passkey-options': [],
  'POST /api/sign-in/passkey-options': [],
  // Until a person approves it, a command line's request is nothing; it polls every second.
  // An attempt that leads nowhere is nothing; its end is a sign-in, a link or a refusal.
  'POST /api/sign-on/begin': [],
  'POST /api/me/prove-options': [],
  'POST /api/cli-sign-in': [],
  'POST /api/cli-sign-in/poll': [],
};

/** Refusals whose entry is written where they are made, with more than is known here. */
export const TOLD_REFUSALS: ReadonlySet<string> = new Set([
  'FORBIDDEN',
  'SIGN_IN_REFUSED',
  'SIGN_ON_REFUSED',
  'SETUP_DONE',
  'SETUP_TOKEN_REFUSED',
]);
