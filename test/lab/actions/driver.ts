/**
 * Runs actions inside a node of the lab, with the real host and without an executor: a request as JSON on standard
 * input, the answer as JSON on standard output. Bundled into one file by `action-node.ts`. Called with `rehearse` it
 * is the rehearsal process, as the agent is.
 */
import { HaubanError } from '@hauban/shared/errors';
import {
  ACTIONS,
  applyChange,
  applyChanges,
  changeState,
  describeChange,
  parseActionArguments,
  programsOf,
  revertChanges,
  type ActionDefinition,
  type Change,
} from '@hauban/shared/actions';
import { withinPrograms, type RealHost } from '../../../packages/agent/src/host/index.ts';
import { runRehearsalProcess } from '../../../packages/agent/src/host/rehearsal-process.ts';
import { createDriverHost, findAction, type DriverHostOptions } from './driver-host.ts';

export interface DriverRequest extends DriverHostOptions {
  readonly mode: 'plan' | 'apply' | 'undo' | 'states' | 'verify' | 'reconcile' | 'file';
  readonly action: string;
  readonly args: unknown;
  readonly changes?: readonly Change[];
  /** For `apply`: killed by SIGKILL when so many changes are done, the next one begun. */
  readonly dieAt?: number;
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
  const host = createDriverHost(request);
  if (request.mode === 'reconcile') {
    await host.reconcile();
    return { ...empty, ok: true, tookMs: 0 };
  }
  if (request.mode === 'file') {
    await host.files.writeFile(request.path ?? '', 'written by root', { mode: 0o644, uid: 0, gid: 0 });
    return { ...empty, ok: true, tookMs: 0 };
  }
  const changes = request.changes ?? [];
  if (request.mode === 'undo') {
    const revert = () => revertChanges(host, changes);
    const known = ACTIONS.get(request.action);
    const problems = await (known === undefined ? revert() : withinPrograms(programsOf(known, request.args), revert));
    return { ...empty, ok: true, problems: problems.map(failure), tookMs: 0 };
  }
  if (request.mode === 'states') {
    const states: string[] = [];
    for (const change of changes) states.push(await changeState(host, change));
    return { ...empty, ok: true, states, tookMs: 0 };
  }
  const action = await findAction(request);
  const parsed = parseActionArguments(action, request.args);
  if (!parsed.ok) return { ok: false, code: 'ACTION_ARGUMENTS', detail: parsed.problem, problems: [] };
  return withinPrograms(programsOf(action, parsed.args), async () =>
    request.mode === 'verify'
      ? { ...empty, ok: true, verified: await action.verify(host, parsed.args, changes), tookMs: 0 }
      : plan(host, action, parsed.args, request.mode === 'apply', request.dieAt),
  );
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
