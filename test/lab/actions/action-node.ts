import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { LabNode } from '../apache.ts';
import type { DriverAnswer, DriverRequest } from './driver.ts';

/** A node with the driver in it: actions by name, run inside by the real host. */
export interface ActionNode {
  readonly plan: (action: string, args: unknown, more?: Partial<DriverRequest>) => Promise<DriverAnswer>;
  readonly apply: (action: string, args: unknown, more?: Partial<DriverRequest>) => Promise<DriverAnswer>;
  readonly call: (request: Partial<DriverRequest>) => Promise<DriverAnswer>;
  readonly file: string;
}

const DRIVER_FILE = '/opt/hauban-driver/driver.mjs';

/** A program of these folders as one file of JavaScript. */
export async function bundleProgram(entry: URL): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hauban-driver-'));
  try {
    const outfile = join(folder, 'driver.mjs');
    await build({
      entryPoints: [fileURLToPath(entry)],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      conditions: ['source'],
      logLevel: 'warning',
    });
    return await readFile(outfile, 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

let bundle: Promise<string> | null = null;

/** `nodeProgram`: where Node is in that node's tree. */
export async function putDriverInto(node: LabNode, nodeProgram = process.execPath): Promise<ActionNode> {
  bundle ??= bundleProgram(new URL('driver.ts', import.meta.url));
  await node.writeFile(DRIVER_FILE, await bundle);
  // Whose changes they are, so that an undo has the programs of its action and no others.
  const orders = new Map<string, Pick<DriverRequest, 'action' | 'args'>>();
  const call = async (request: Partial<DriverRequest>): Promise<DriverAnswer> => {
    const order = orders.get(JSON.stringify(request.changes)) ?? { action: '', args: {} };
    const input = JSON.stringify({ mode: 'plan', ...order, ...request });
    const { stdout } = await node.mustRun(nodeProgram, [DRIVER_FILE], { input, timeoutMs: 120_000 });
    const answer = JSON.parse(stdout) as DriverAnswer;
    if (answer.ok && answer.changes.length > 0 && request.action !== undefined)
      orders.set(JSON.stringify(answer.changes), { action: request.action, args: request.args });
    return answer;
  };
  return {
    call,
    plan: (action, args, more = {}) => call({ ...more, mode: 'plan', action, args }),
    apply: (action, args, more = {}) => call({ ...more, mode: 'apply', action, args }),
    file: DRIVER_FILE,
  };
}
