/**
 * Runs actions inside a node of the lab, with the real host and without an executor: a request as JSON on standard
 * input, the answer as JSON on standard output. Bundled into one file by `action-node.ts`. Called with `rehearse` it
 * is the rehearsal process, as the agent is.
 */
import { randomBytes } from 'node:crypto';
import { HaubanError } from '@hauban/shared/errors';
import {
  ACTIONS,
  applyChange,
  applyChanges,
  changeState,
  describeChange,
  parseActionArguments,
  revertChanges,
  type ActionDefinition,
  type Change,
} from '@hauban/shared/actions';
import type { CustomPin } from '@hauban/shared/policy';
import { CustomCatalogue } from '../../../packages/agent/src/executor/custom-catalogue.ts';
import type { CustomParts } from '../../../packages/agent/src/host/custom/custom-parts.ts';
import {
  createRealHost,
  ROOT_TRUST,
  runRehearsalProcess,
  type NeverBan,
  type RealHost,
} from '../../../packages/agent/src/host/index.ts';

export interface DriverRequest {
  readonly mode: 'plan' | 'apply' | 'undo' | 'states' | 'verify' | 'reconcile' | 'file';
  readonly action: string;
  readonly args: unknown;
  readonly changes?: readonly Change[];
  /** Null: neither policy nor controller are known, as at boot. */
  readonly neverBan?: readonly NeverBan[] | null;
  /** For `apply`: killed by SIGKILL when so many changes are done, the next one begun. */
  readonly dieAt?: number;
  /** What root's policy file says of the hoster's own actions. */
  readonly custom?: readonly CustomPin[];
  /** For `file`: writes there as root, to see what is refused. */
  readonly path?: string;
}

interface Failure {
  readonly code: string;
  readonly detail: string;
}

export type DriverAnswer =
  | {
      readonly ok: true;
      readonly changes: readonly Change[];
      readonly titles: readonly string[];
      readonly notes: readonly string[];
      readonly data: unknown;
      readonly states: readonly string[];
      readonly verified: readonly { readonly name: string; readonly ok: boolean; readonly saw: string }[];
      readonly problems: readonly Failure[];
      readonly tookMs: number;
    }
  | ({ readonly ok: false; readonly problems: readonly Failure[] } & Failure);

const failure = (error: unknown): Failure => {
  if (error instanceof HaubanError) return { code: error.code, detail: error.detail };
  throw error;
};

const CUSTOM = {
  folder: '/etc/hauban/actions',
  copies: '/var/lib/hauban-custom-run',
  trust: ROOT_TRUST,
  printed: () => undefined,
};

const pinsOf =
  (custom: readonly CustomPin[]): CustomParts['pinOf'] =>
  (name) => {
    const pin = custom.find((one) => one.name === name);
    return pin === undefined ? { ok: false, detail: `the request has no pin for ${name}` } : { ok: true, pin };
  };

/** The action of that name: one of ours, or one that root has allowed in the request's pins. */
async function findAction({ action, custom = [] }: DriverRequest): Promise<ActionDefinition> {
  const catalogue = new CustomCatalogue(ACTIONS, { ...CUSTOM, pinOf: pinsOf(custom) });
  await catalogue.refresh(action);
  const found = catalogue.get(action);
  const why = catalogue.whyNot(action);
  if (found === undefined) throw new HaubanError(why?.code ?? 'ACTION_UNKNOWN', why?.detail ?? action);
  return found;
}

function createHost({ neverBan = [], custom = [] }: DriverRequest): RealHost {
  return createRealHost({
    clock: {
      nowMs: () => Date.now(),
      monotonicMs: () => performance.now(),
      after: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
      every: (periodMs, callback) => {
        const timer = setInterval(callback, periodMs);
        return { cancel: () => clearInterval(timer) };
      },
    },
    random: { bytes: (length) => randomBytes(length), unit: () => randomBytes(4).readUInt32BE() / 2 ** 32 },
    stateDirectory: '/var/lib/hauban-driver',
    rehearsalCommand: { program: process.execPath, args: [process.argv[1] ?? '', 'rehearse'] },
    custom: { ...CUSTOM, pinOf: pinsOf(custom) },
    neverBan: () =>
      neverBan === null
        ? Promise.reject(new HaubanError('UNAVAILABLE', 'no name server answers yet'))
        : Promise.resolve(neverBan),
  });
}

const empty = { changes: [], titles: [], notes: [], data: null, states: [], verified: [], problems: [] } as const;

/** Dies while the next change is being applied: nothing in here gets a chance to clean up. */
async function applyAndDie(host: RealHost, changes: readonly Change[], dieAt: number): Promise<never> {
  await applyChanges(host, changes.slice(0, dieAt));
  const next = changes[dieAt];
  if (next !== undefined) void applyChange(host, next).catch(() => undefined);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), Math.random() * 30);
  return new Promise(() => undefined);
}

async function plan(
  host: RealHost,
  action: ActionDefinition,
  args: unknown,
  isApplied: boolean,
  dieAt?: number,
): Promise<DriverAnswer> {
  const startedMs = performance.now();
  const planned = await action.plan(host, args);
  if (!planned.ok) return { ok: false, code: planned.code, detail: planned.detail, problems: [] };
  const { changes, notes, data } = planned;
  const rehearsed = changes.length === 0 ? undefined : await action.rehearse?.(host, args, changes);
  if (rehearsed?.ok === false) return { ok: false, code: rehearsed.code, detail: rehearsed.detail, problems: [] };
  const titles = changes.map((change) => describeChange(change).title);
  const base = { ...empty, ok: true, changes, titles, notes, data: data ?? null } as const;
  if (!isApplied) return { ...base, tookMs: performance.now() - startedMs };
  if (dieAt !== undefined) return applyAndDie(host, changes, dieAt);
  try {
    await applyChanges(host, changes);
  } catch (error) {
    return { ok: false, ...failure(error), problems: (await revertChanges(host, changes)).map(failure) };
  }
  const verified = await action.verify(host, args, changes);
  return { ...base, verified, tookMs: performance.now() - startedMs };
}

async function answer(request: DriverRequest): Promise<DriverAnswer> {
  const host = createHost(request);
  if (request.mode === 'reconcile') {
    await host.reconcile();
    return { ...empty, ok: true, tookMs: 0 };
  }
  if (request.mode === 'file') {
    await host.files.writeFile(request.path ?? '', 'written by root', { mode: 0o644, uid: 0, gid: 0 });
    return { ...empty, ok: true, tookMs: 0 };
  }
  const changes = request.changes ?? [];
  if (request.mode === 'undo')
    return { ...empty, ok: true, problems: (await revertChanges(host, changes)).map(failure), tookMs: 0 };
  if (request.mode === 'states') {
    const states: string[] = [];
    for (const change of changes) states.push(await changeState(host, change));
    return { ...empty, ok: true, states, tookMs: 0 };
  }
  const action = await findAction(request);
  const parsed = parseActionArguments(action, request.args);
  if (!parsed.ok) return { ok: false, code: 'ACTION_ARGUMENTS', detail: parsed.problem, problems: [] };
  if (request.mode === 'verify')
    return { ...empty, ok: true, verified: await action.verify(host, parsed.args, changes), tookMs: 0 };
  return plan(host, action, parsed.args, request.mode === 'apply', request.dieAt);
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

// As strict as the executor's own unit.
process.umask(0o077);
if (process.argv[2] === 'rehearse') await runRehearsalProcess();
else {
  const request = JSON.parse(await readInput()) as DriverRequest;
  const result = await answer(request).catch(
    (error: unknown) => ({ ok: false, ...failure(error), problems: [] }) as const,
  );
  process.stdout.write(JSON.stringify(result));
}
