import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { LabNode } from '../apache.ts';
import { findRepositoryFolder } from '../lab-folders.ts';
import { createLineDialogue, type LineDialogue } from './line-dialogue.ts';
import type { NodeFacts, OrderDone, RunnerRequest } from './order-runner.ts';

/** A node that carries out orders in one process, as its executor would. */
export interface OrderNode {
  readonly order: (action: string, args: Readonly<Record<string, unknown>>) => Promise<OrderDone>;
  readonly facts: () => Promise<NodeFacts>;
  readonly end: () => Promise<void>;
}

const RUNNER_FILE = '/opt/hauban-runner/runner.mjs';

async function bundleRunner(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hauban-runner-'));
  try {
    const outfile = join(folder, 'runner.mjs');
    await build({
      entryPoints: [join(findRepositoryFolder(), 'test/lab/endurance/order-runner.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      conditions: ['source'],
      logLevel: 'warning',
      // Packages of npm that are CommonJS ask for Node's own modules in this way.
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    return await readFile(outfile, 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function startOrderNode(node: LabNode): Promise<OrderNode> {
  await node.writeFile(RUNNER_FILE, await bundleRunner());
  const program = await node.spawn(process.execPath, [RUNNER_FILE]);
  const dialogue: LineDialogue = createLineDialogue('the order runner', program);
  return {
    order: (action, args) => dialogue.ask<OrderDone>({ ask: 'order', action, args } satisfies RunnerRequest),
    facts: () => dialogue.ask<NodeFacts>({ ask: 'facts' } satisfies RunnerRequest),
    end: dialogue.end,
  };
}
