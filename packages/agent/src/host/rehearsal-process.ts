import { HaubanError } from '@hauban/shared/errors';
import { runRehearsal, type RehearsalJob } from '../rehearsal/index.ts';
import { withinPrograms } from './listed-programs.ts';
import { rehearsePools, type PoolJob } from './pool-rehearsal.ts';
import { createRehearsalTools } from './rehearsal-tools.ts';

/** What it is given: one kind of rehearsal. */
export type RehearsalOrder = RehearsalJob | PoolJob;

/** What the rehearsal process prints: one JSON object. */
export type RehearsalAnswer<T> =
  | { readonly ok: true; readonly rehearsal: T }
  | { readonly ok: false; readonly problem: string };

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function answer(source: string): Promise<RehearsalAnswer<unknown>> {
  try {
    // From our own executor, over a pipe.
    const job = JSON.parse(source) as RehearsalOrder;
    const rehearse = (): Promise<unknown> =>
      'poolsOf' in job ? rehearsePools(job) : runRehearsal(job, createRehearsalTools());
    return { ok: true, rehearsal: await withinPrograms(['apache2ctl', 'ip', 'mount', 'php-fpm'], rehearse) };
  } catch (error) {
    if (error instanceof HaubanError) return { ok: false, problem: error.detail };
    throw error;
  }
}

/**
 * `hauban-agent rehearse`: job as JSON on standard input, answer as JSON on standard output. Process 1 of its pid
 * namespace: when it ends, Apache and all else in there ends with it.
 */
export async function runRehearsalProcess(): Promise<void> {
  // It mounts over /etc and /var/log: outside of its own namespaces it would blind the machine.
  if (process.pid !== 1)
    throw new HaubanError('FILE_UNSAFE', 'a rehearsal runs only as process 1 of its own namespaces');
  const result = await answer(await readInput());
  await new Promise<void>((resolve) => process.stdout.write(JSON.stringify(result), () => resolve()));
  // Apache still runs below us; the kernel ends it with process 1.
  process.exit(0);
}
