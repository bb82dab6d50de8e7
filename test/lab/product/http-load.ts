import { join } from 'node:path';
import { findRepositoryFolder } from '../lab-folders.ts';
import type { LabPeer } from '../lab-network.ts';

export type LoadResult = {
  readonly requests: number;
  /** What went wrong, and how often: a status that is not 200, a lost connection, a page without its version. */
  readonly failed: Readonly<Record<string, number>>;
  /** Answers by the PHP version that the page names. */
  readonly bodies: Readonly<Record<string, number>>;
};

export type HttpLoad = {
  /** Lets what is under way finish, then tells what came back. */
  readonly stop: () => Promise<LoadResult>;
};

const loadTimeoutMs = 300_000;

/** Keeps requesting the first page of a site from a client in front of the node; comes back when the first answer is there. */
export async function startHttpLoad(
  peer: LabPeer,
  target: { readonly address: string; readonly host: string; readonly connections: number },
): Promise<HttpLoad> {
  const script = join(findRepositoryFolder(), 'test/lab/product/http-load.mjs');
  const loading = await peer.spawn(
    process.execPath,
    [script, target.address, target.host, String(target.connections)],
    { timeoutMs: loadTimeoutMs },
  );
  await loading.waitForOutput('loading', 30_000);
  return {
    stop: async () => {
      loading.child.stdin?.end();
      const { code, stdout, stderr } = await loading.exited;
      if (code !== 0) throw new Error(`the load ended with ${String(code)}: ${stderr}`);
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as LoadResult;
    },
  };
}
