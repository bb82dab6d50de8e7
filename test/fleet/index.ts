/**
 * Thousands of simulated nodes under kills: the agent's real link and order code, many nodes to a process, against the
 * real controller, signer and PostgreSQL as `npm start` runs them. What happened is judged afterwards by a checker that
 * believes no side: it holds the controller's rows against each node's own journal and against what each node's machine
 * wrote down itself. A test (a hundred nodes) and `npm run fleet -- 5000`; nothing of the product may import it.
 */
export { runFleet } from './run-fleet.ts';
export { fleetTable } from './fleet-report.ts';
export type { RunName } from './fleet-plan.ts';
