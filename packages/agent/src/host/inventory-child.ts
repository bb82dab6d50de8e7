import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { HaubanError } from '@hauban/shared/errors';

/** One section as the child printed it; the data is any JSON. */
export interface PrintedSection {
  readonly name: string;
  readonly data: unknown;
}

const TIMEOUT_MS = 180_000;
const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;
/** Never in the way of what the machine is for. */
const NICE = 10;

/** Runs this agent's own `inventory` in a short-lived child and takes what it prints. Section names go as arguments; `stop` kills it. */
export async function takeInventoryInChild(
  mainFile: string,
  sections: readonly string[] | null,
  stop: AbortSignal,
): Promise<readonly PrintedSection[]> {
  const printed = await new Promise<string>((resolve, reject) => {
    const child = spawn(process.execPath, [mainFile, 'inventory', ...(sections ?? [])], {
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      signal: stop,
    });
    if (child.pid !== undefined) lowerPriority(child.pid);
    const pieces: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > OUTPUT_LIMIT_BYTES) child.kill('SIGKILL');
      else pieces.push(piece);
    });
    child.on('error', (error) =>
      reject(new HaubanError('PROGRAM_FAILED', 'the inventory cannot be started', { cause: error })),
    );
    child.on('close', (status, signal) => {
      if (status === 0) resolve(Buffer.concat(pieces).toString('utf8'));
      else reject(new HaubanError('PROGRAM_FAILED', `the inventory ended with ${signal ?? `status ${status}`}`));
    });
  });
  return parsePrinted(printed);
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICE);
  } catch (error) {
    // It has ended already.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

const isSection = (value: unknown): value is PrintedSection =>
  typeof value === 'object' && value !== null && 'data' in value && 'name' in value && typeof value.name === 'string';

function parsePrinted(printed: string): readonly PrintedSection[] {
  const value: unknown = JSON.parse(printed);
  const sections = typeof value === 'object' && value !== null && 'sections' in value ? value.sections : null;
  if (!Array.isArray(sections) || !sections.every(isSection))
    throw new HaubanError('PROGRAM_FAILED', 'the inventory printed no list of sections');
  return sections;
}
