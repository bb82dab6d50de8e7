/**
 * Runs inside a node of the lab, under a tracer: cases as JSON on standard input, what came of each as JSON on standard
 * output. Before each it asks for a file that never is there, so that the trace can be cut into cases.
 */
import { openSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { HaubanError } from '@hauban/shared/errors';
import {
  applyChanges,
  parseActionArguments,
  programsOf,
  revertChanges,
  type QueryName,
  type ResourceName,
  type TaskName,
} from '@hauban/shared/actions';
import type { CustomPin } from '@hauban/shared/policy';
import { mustRun } from '../../../packages/agent/src/host/run-program.ts';
import { withinPrograms, type RealHost } from '../../../packages/agent/src/host/index.ts';
import { runRehearsalProcess } from '../../../packages/agent/src/host/rehearsal-process.ts';
import { createDriverHost, findAction } from '../actions/driver-host.ts';
import { hostileInput, textOf, type Case } from './cases.ts';
import { MARKER_FOLDER } from './trace-log.ts';

/** A command built for a shell, a text where options are read, one that is cut, one in a path; and a shell by our hands. */
export type Vulnerable = 'shell' | 'option' | 'split' | 'path' | 'shell, listed';

export interface InjectorRequest {
  readonly cases: readonly Case[];
  readonly custom: readonly CustomPin[];
  /** Instead of the real ones: a driver as it should not be, to see that the trace shows it. */
  readonly vulnerable?: Vulnerable;
}

/**
 * `refused`: before anything; `failed`: by a driver or a program; `fault`: by an exception that nobody meant; `done`: it
 * was done, or there was nothing to do. `paths`: what a plan said that it would change.
 */
export interface Outcome {
  readonly is: 'refused' | 'failed' | 'fault' | 'done';
  readonly says: string;
  readonly paths: readonly string[];
}

const outcome = (is: Outcome['is'], says = '', paths: readonly string[] = []): Outcome => ({
  is,
  says: says.slice(0, 200),
  paths,
});

function mark(index: number): void {
  try {
    openSync(`${MARKER_FOLDER}/${index}`, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Why, when it is not known that it was refused before anything was done. */
function stopped(error: unknown, paths: readonly string[] = []): Outcome {
  if (error instanceof HaubanError) return outcome('failed', `${error.code}: ${error.detail}`, paths);
  return outcome('fault', String(error), paths);
}

async function order(one: Case, host: RealHost, custom: readonly CustomPin[]): Promise<Outcome> {
  const action = await findAction({ action: one.name, custom });
  const parsed = parseActionArguments(action, hostileInput(one));
  if (!parsed.ok) return outcome('refused', parsed.problem);
  const { args } = parsed;
  return await withinPrograms(programsOf(action, args), async () => {
    const planned = await action.plan(host, args);
    if (!planned.ok) return outcome('refused', `${planned.code}: ${planned.detail}`);
    const { changes } = planned;
    const paths = changes.flatMap((change) => ('path' in change ? [change.path] : []));
    try {
      const rehearsed = changes.length === 0 ? undefined : await action.rehearse?.(host, args, changes);
      if (rehearsed?.ok === false) return outcome('failed', rehearsed.detail, paths);
      await applyChanges(host, changes);
      await action.verify(host, args, changes);
      return outcome('done', `${changes.length} changes`, paths);
    } catch (error) {
      return stopped(error, paths);
    } finally {
      await revertChanges(host, changes);
    }
  });
}

async function drive({ door, name }: Case, input: unknown, host: RealHost): Promise<void> {
  if (door === 'task') return await host.tasks.run(name as TaskName, input as never);
  if (door === 'query') return void (await host.queries.ask(name as QueryName, input as never));
  const { id, value = null } = input as { readonly id: string; readonly value?: never };
  if (door === 'resource.read') return void (await host.resources.read(name as ResourceName, id));
  return await host.resources.write(name as ResourceName, id, value);
}

/** As the panels do it whose mistakes these tests are about; the last two through the product's own hands. */
async function driveBadly(text: string, how: Vulnerable): Promise<void> {
  const plain = text.replaceAll('\0', '');
  const command = `/usr/bin/id ${plain}`;
  if (how === 'shell') spawnSync('/bin/sh', [], { input: command });
  else if (how === 'option') spawnSync('/usr/bin/systemctl', ['show', plain]);
  else if (how === 'split') spawnSync('/usr/bin/systemctl', ['show', '--', ...plain.split(' ')]);
  else if (how === 'path') writeFileSync(`/var/lib/hauban-driver/${plain}`, 'written by root');
  else await withinPrograms(['systemctl'], () => mustRun('/bin/sh', [], { stdin: command }));
}

async function judge(one: Case, host: RealHost, { custom, vulnerable }: InjectorRequest): Promise<Outcome> {
  try {
    if (vulnerable !== undefined) await driveBadly(textOf(one), vulnerable);
    else if (one.door === 'action') return await order(one, host, custom);
    else await drive(one, hostileInput(one), host);
    return outcome('done');
  } catch (error) {
    return stopped(error);
  }
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
  const request = JSON.parse(await readInput()) as InjectorRequest;
  const host = createDriverHost({ custom: request.custom });
  const outcomes: Outcome[] = [];
  for (const [index, one] of request.cases.entries()) {
    mark(index);
    outcomes.push(await judge(one, host, request));
  }
  mark(request.cases.length);
  process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
}
