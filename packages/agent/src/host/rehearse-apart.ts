import { networkInterfaces } from 'node:os';
import { HaubanError } from '@hauban/shared/errors';
import { PROGRAM_PATHS } from './program-paths.ts';
import type { RehearsalAnswer, RehearsalOrder } from './rehearsal-process.ts';
import { runProgram, saidBy } from './run-program.ts';

/** Starts the rehearsal process in network, mount and pid namespaces of its own. */

/** How it is started: `node main.js rehearse` of whatever bundle we are. */
export interface RehearsalCommand {
  readonly program: string;
  readonly args: readonly string[];
}

const REHEARSAL_TIMEOUT_MS = 60_000;

/** What this node listens on may be named in a configuration. */
export const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);

/** @returns what that kind of rehearsal ends with */
export async function rehearseApart<T>(command: RehearsalCommand, order: RehearsalOrder): Promise<T> {
  const result = await runProgram(
    PROGRAM_PATHS.unshare,
    [
      '--net',
      '--mount',
      '--propagation',
      'private',
      '--pid',
      '--fork',
      '--kill-child=KILL',
      '--mount-proc',
      '--',
      command.program,
      ...command.args,
    ],
    { stdin: JSON.stringify(order), timeoutMs: REHEARSAL_TIMEOUT_MS },
  );
  if (result.status !== 0)
    throw new HaubanError('REHEARSAL_FAILED', `the rehearsal itself did not run: ${saidBy(result)}`);
  // Our own process, over a pipe that nothing else can write.
  const answer = JSON.parse(result.stdout) as RehearsalAnswer<T>;
  if (!answer.ok) throw new HaubanError('REHEARSAL_FAILED', `the rehearsal itself did not run: ${answer.problem}`);
  return answer.rehearsal;
}
