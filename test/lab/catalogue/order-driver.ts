/**
 * Carries out orders inside a node of the lab, one after the other, with the executor's own code and the real host: a
 * request as a line of JSON on standard input, its answer as one on standard output. What is begun is on disk, so that
 * another one of these settles what a killed one left, as the executor does at its start.
 *
 * The two hooks of the tests are here and not in the product: a verify that is made to fail, and a death at a chosen step.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ACTIONS, parseActionArguments, programsOf, type ActionDefinition, type Change } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { Order } from '@hauban/shared/protocol';
import type { StepWord } from '../../../packages/agent/src/executor/journal-record.ts';
import type { OrderResult } from '../../../packages/agent/src/executor/order-result.ts';
import { createReceiptKeyFiles } from '../../../packages/agent/src/executor/receipt-key-files.ts';
import { ReceiptKeys } from '../../../packages/agent/src/executor/receipt-keys.ts';
import { recoverAction } from '../../../packages/agent/src/executor/recover-order.ts';
import { runAction } from '../../../packages/agent/src/executor/run-action.ts';
import { undoOrder } from '../../../packages/agent/src/executor/undo-order.ts';
import { withinPrograms, type RealHost } from '../../../packages/agent/src/host/index.ts';
import { runRehearsalProcess } from '../../../packages/agent/src/host/rehearsal-process.ts';
import { createDriverHost, DRIVER_CLOCK, STATE_FOLDER } from '../actions/driver-host.ts';

/** Killed by SIGKILL as soon as that step is done, or so many milliseconds after it began. */
export interface Death {
  readonly step: number;
  readonly when: 'after' | 'during';
  readonly delayMs: number;
}

export interface OrderRequest {
  readonly do: 'plan' | 'apply' | 'undo' | 'recover';
  readonly action: string;
  readonly args: unknown;
  readonly planHash?: string;
  /** For `undo`: what the order changed. */
  readonly changes?: readonly Change[];
  readonly breaksVerify?: true;
  readonly dies?: Death;
}

export interface OrderAnswer {
  readonly result: OrderResult;
  /** What was begun; for `recover`: null when nothing was. */
  readonly changes: readonly Change[] | null;
  readonly tookMs: number;
}

const KEYS = '/var/lib/hauban-keys';
const NODE = '0190a000-0000-7000-8000-000000000001';
const BEGUN = join(STATE_FOLDER, 'begun.json');
let receiptKeys: ReceiptKeys | null = null;
/** Made when first asked for: most stands have no use for them. */
function loadKeys(): ReceiptKeys {
  mkdirSync(KEYS, { recursive: true, mode: 0o700 });
  receiptKeys ??= new ReceiptKeys({
    files: createReceiptKeyFiles(join(KEYS, 'receipt.key')),
    identity: () => ({ nodeId: NODE, controllerId: NODE }),
    clock: DRIVER_CLOCK,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  return receiptKeys;
}

const host: RealHost = createDriverHost({
  receiptKeys: {
    get version() {
      return loadKeys().version;
    },
    key: () => loadKeys().key(),
    rotate: () => loadKeys().rotate(),
  },
});

function find(name: string): ActionDefinition {
  const action = ACTIONS.get(name);
  if (action === undefined) throw new HaubanError('ACTION_UNKNOWN', name);
  return action;
}

const failing = (action: ActionDefinition): ActionDefinition => ({
  ...action,
  verify: async (...parts) => [
    ...(await action.verify(...parts)),
    { name: 'The lab', ok: false, saw: 'a verify that is made to fail' },
  ],
});

const killMyself = (): void => void process.kill(process.pid, 'SIGKILL');

function stepper(dies: Death | undefined): (index: number, what: StepWord) => void {
  return (index, what) => {
    if (dies?.step !== index) return;
    if (dies.when === 'after' && what === 'applied') killMyself();
    if (dies.when === 'during' && what === 'apply') setTimeout(killMyself, dies.delayMs);
  };
}

async function order(request: OrderRequest): Promise<Omit<OrderAnswer, 'tookMs'>> {
  const action = find(request.action);
  const parsed = parseActionArguments(action, request.args);
  if (!parsed.ok) throw new HaubanError('ACTION_ARGUMENTS', parsed.problem);
  let begun: readonly Change[] = [];
  const { result } = await runAction({
    order: { mode: request.do === 'plan' ? 'plan' : 'apply', planHash: request.planHash ?? null },
    action: request.breaksVerify === true ? failing(action) : action,
    args: parsed.args,
    host,
    clock: host.clock,
    begin: (changes) => {
      begun = changes;
      writeFileSync(BEGUN, JSON.stringify(changes), { mode: 0o600 });
      return Promise.resolve();
    },
    step: stepper(request.dies),
    progress: () => undefined,
  });
  // A death that was to come in the middle and is late: it comes after all of it, with the outcome not yet noted.
  if (request.dies !== undefined && begun.length > 0) await new Promise<void>(() => setTimeout(killMyself, 50));
  rmSync(BEGUN, { force: true });
  return { result, changes: begun };
}

function loadBegun(): readonly Change[] | null {
  try {
    return JSON.parse(readFileSync(BEGUN, 'utf8')) as readonly Change[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function recover({ action, args }: OrderRequest): Promise<Omit<OrderAnswer, 'tookMs'>> {
  const changes = loadBegun();
  // Of an order only what recovery reads.
  const cutOff = { kind: 'action', mode: 'apply', action, actionVersion: find(action).version, args };
  const result = await recoverAction(
    { order: cutOff as unknown as Order, hash: '', changes },
    { host, actions: { get: (name) => ACTIONS.get(name), whyNot: () => null }, step: () => undefined },
  );
  rmSync(BEGUN, { force: true });
  return { result, changes };
}

async function undo({ changes = [] }: OrderRequest): Promise<Omit<OrderAnswer, 'tookMs'>> {
  const result = await undoOrder({
    undoes: 'the order before',
    changes,
    host,
    begin: () => Promise.resolve(),
    step: () => undefined,
    progress: () => undefined,
    undone: () => Promise.resolve(),
  });
  return { result, changes };
}

function carryOut(request: OrderRequest): Promise<Omit<OrderAnswer, 'tookMs'>> {
  if (request.do === 'undo') return undo(request);
  return request.do === 'recover' ? recover(request) : order(request);
}

async function answer(request: OrderRequest): Promise<OrderAnswer | { readonly problem: string }> {
  const startedMs = performance.now();
  try {
    const action = find(request.action);
    const parsed = parseActionArguments(action, request.args);
    if (!parsed.ok) throw new HaubanError('ACTION_ARGUMENTS', parsed.problem);
    // As the executor does at its start.
    if (request.do === 'recover') await host.reconcile();
    const done = await withinPrograms(programsOf(action, parsed.args), () => carryOut(request));
    return { ...done, tookMs: performance.now() - startedMs };
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    return { problem: `${error.code}: ${error.detail}` };
  }
}

// As strict as the executor's own unit.
process.umask(0o077);
if (process.argv[2] === 'rehearse') await runRehearsalProcess();
else
  for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as OrderRequest))}\n`);
