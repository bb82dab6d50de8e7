/**
 * Carries out orders inside a node of the lab as the executor does once it has checked one: in one process that stays,
 * with the real host, journal and undo store. A line of JSON for each order on standard input, one with its result back.
 * Called with `rehearse` it is the rehearsal process. Bundled by `node-program.ts`.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock, systemRandom } from '@hauban/link';
import { ACTIONS, parseActionArguments } from '@hauban/shared/actions';
import type { ActionOrder } from '@hauban/shared/protocol';
import { CustomCatalogue } from '../../../packages/agent/src/executor/custom-catalogue.ts';
import { OrderJournal } from '../../../packages/agent/src/executor/order-journal.ts';
import { workOn, type WorkParts } from '../../../packages/agent/src/executor/order-work.ts';
import { UndoStore } from '../../../packages/agent/src/executor/undo-store.ts';
import { createRealHost } from '../../../packages/agent/src/host/index.ts';
import { runRehearsalProcess } from '../../../packages/agent/src/host/rehearsal-process.ts';

/** An order, or a question about the node. */
export type RunnerRequest =
  | { readonly ask: 'facts' }
  | { readonly ask: 'order'; readonly action: string; readonly args: Readonly<Record<string, unknown>> };

export interface OrderDone {
  readonly outcome: string;
  readonly code: string | null;
  readonly detail: string;
  readonly tookMs: number;
}

/** What would grow if something were left behind at each order. */
export interface NodeFacts {
  readonly processes: number;
  readonly mounts: number;
  readonly unixSockets: number;
  /** Of this process. */
  readonly openFiles: number;
  readonly memoryMiB: number;
  readonly stateKiB: number;
  readonly logKiB: number;
}

const STATE = '/var/lib/hauban-runner';
const NODE_ID = randomUUID();

function createParts(): WorkParts {
  mkdirSync(STATE, { recursive: true, mode: 0o700 });
  const { journal } = OrderJournal.open(STATE, systemClock);
  const host = createRealHost({
    clock: systemClock,
    random: systemRandom,
    stateDirectory: STATE,
    rehearsalCommand: { program: process.execPath, args: [process.argv[1] ?? '', 'rehearse'] },
    neverBan: () => Promise.resolve([]),
  });
  const ignore = (): void => undefined;
  return {
    clock: systemClock,
    host,
    actions: new CustomCatalogue(ACTIONS, null),
    journal,
    undo: new UndoStore(join(STATE, 'undo'), systemClock),
    log: { info: ignore, warn: ignore, error: ignore },
  };
}

function orderOf(name: string, version: number, args: ActionOrder['args']): ActionOrder {
  const nowMs = systemClock.nowMs();
  return {
    v: 1,
    id: randomUUID(),
    aud: NODE_ID,
    iss: NODE_ID,
    iat: nowMs,
    exp: nowMs + 60_000,
    requester: { id: NODE_ID, name: 'endurance', via: 'system' },
    reason: null,
    approvals: [],
    approved: null,
    kind: 'action',
    action: name,
    actionVersion: version,
    args,
    mode: 'apply',
    planHash: null,
  };
}

const SILENT = { taken: () => undefined, progress: () => undefined, end: () => undefined };

async function carryOut(parts: WorkParts, name: string, given: unknown): Promise<OrderDone> {
  const startedMs = performance.now();
  const action = parts.actions.get(name);
  if (action === undefined) throw new Error(`there is no action ${name}`);
  const parsed = parseActionArguments(action, given);
  if (!parsed.ok)
    return {
      outcome: 'refused',
      code: 'ACTION_ARGUMENTS',
      detail: parsed.problem,
      tookMs: performance.now() - startedMs,
    };
  const { args } = parsed;
  const order = orderOf(name, action.version, args);
  parts.journal.take(order, createHash('sha256').update(order.id).digest('hex'), null);
  const { result } = await workOn({ kind: 'action', order, action, args }, action.locks(args), parts, SILENT);
  // As long as a receipt; its signature costs less than a millisecond.
  const receipt = Buffer.from(JSON.stringify(result).slice(0, 1500)).toString('base64url');
  await parts.journal.finish(order.id, `e30.${receipt}.e30`);
  parts.journal.acknowledge(order.id);
  const { outcome, code, detail } = result;
  return { outcome, code, detail, tookMs: performance.now() - startedMs };
}

function sizeKiB(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  return Math.round(bytes / 1024);
}

function facts(): NodeFacts {
  return {
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
    mounts: readFileSync('/proc/mounts', 'utf8').split('\n').length - 1,
    unixSockets: readFileSync('/proc/net/unix', 'utf8').split('\n').length - 2,
    openFiles: readdirSync('/proc/self/fd').length,
    memoryMiB: Math.round(process.memoryUsage.rss() / 1024 ** 2),
    stateKiB: sizeKiB(STATE),
    logKiB: sizeKiB('/var/log/hosting'),
  };
}

async function serve(): Promise<void> {
  const parts = createParts();
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as RunnerRequest;
    const answer = request.ask === 'facts' ? facts() : await carryOut(parts, request.action, request.args);
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

// As strict as the executor's own unit.
process.umask(0o077);
if (process.argv[2] === 'rehearse') await runRehearsalProcess();
else await serve();
