import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../../packages/standalone/src/postgres/embedded-postgres.ts';
import { freePort } from '../../support/standalone-stack.ts';
import { makeOrTakeBack } from '../cleanup-list.ts';
import { findRepositoryFolder } from '../lab-folders.ts';
import type { LabNetwork } from '../lab-network.ts';
import { forwardIntoLab } from '../port-forward.ts';
import type { RunningProgram } from '../program.ts';

/**
 * Controller, signer and database inside a network of the lab: nodes reach the controller at `linkUrl`, this machine
 * its page at `url`. Runs what is built in `packages/controller/dist`.
 */
export type LabController = {
  /** The page, on this machine's loopback. */
  readonly url: string;
  /** The one-time link for the first account; null when there is one already. */
  readonly setupUrl: string | null;
  /** What a node in the lab dials. */
  readonly linkUrl: string;
  /** Kills the controller where it stands and starts it again: signer, database and page stay. */
  readonly crash: () => Promise<void>;
  /** A join token for that many nodes of role web, made on the controller's machine as its administrator does. */
  readonly makeJoinToken: (uses: number) => Promise<string>;
  /** Ends all of it and removes its data. */
  readonly destroy: () => Promise<void>;
};

const linkPort = 7460;
const readyWithinMs = 60_000;

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', NODE_ENV: 'production', HOME: '/' };

async function startProgram(
  network: LabNetwork,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunningProgram> {
  const program = await network.spawn(process.execPath, args, { env });
  await program.waitForOutput('"ready":true', readyWithinMs);
  return program;
}

/** @param publicPort port of this machine's loopback for the page; 0: any free one */
export async function createLabController(network: LabNetwork, publicPort = 0): Promise<LabController> {
  const entry = join(findRepositoryFolder(), 'packages/controller/dist/main.js');
  return await makeOrTakeBack(async (cleanup) => {
    const folder = mkdtempSync(join(tmpdir(), 'hauban-lab-controller-'));
    cleanup.add(async () => rmSync(folder, { recursive: true, force: true }));
    // PostgreSQL does not run as root and must be able to reach its folder.
    chmodSync(folder, 0o755);
    for (const name of ['signer', 'controller']) mkdirSync(join(folder, name), { mode: 0o700 });
    const database = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
    cleanup.add(() => database.stop());
    const socket = join(folder, 'signer.sock');
    const signer = await startProgram(network, [entry, 'signer'], {
      ...environment,
      HAUBAN_SIGNER_SOCKET: socket,
      HAUBAN_SIGNER_DIR: join(folder, 'signer'),
    });
    cleanup.add(async () => void (await signer.stop()));
    // The page's own address has to be known before the controller starts: it accepts calls from no other.
    const port = publicPort === 0 ? await freePort() : publicPort;
    const url = `http://localhost:${port}`;
    const env = {
      ...environment,
      DATABASE_URL: database.url,
      HAUBAN_LISTEN: `${network.address}:${linkPort}`,
      HAUBAN_PUBLIC_URL: url,
      HAUBAN_SIGNER_SOCKET: socket,
      HAUBAN_CONTROLLER_DIR: join(folder, 'controller'),
      HAUBAN_UI_DIR: join(findRepositoryFolder(), 'packages/ui/dist/web'),
    };
    let controller = await startProgram(network, [entry, 'serve'], env);
    cleanup.add(async () => void (await controller.stop('SIGTERM', 15_000)));
    const forward = await forwardIntoLab(network, { port: linkPort }, port);
    cleanup.add(forward.close);
    const lineOf = async (prefix: string, args: readonly string[]): Promise<string | null> => {
      const { stdout } = await network.mustRun(process.execPath, [entry, ...args], { env });
      return (
        stdout
          .split('\n')
          .find((line) => line.startsWith(prefix))
          ?.trim() ?? null
      );
    };
    return {
      url,
      setupUrl: await lineOf('http', ['setup-link']),
      linkUrl: `ws://${network.address}:${linkPort}/link`,
      crash: async () => {
        await controller.stop('SIGKILL');
        controller = await startProgram(network, [entry, 'serve'], env);
      },
      makeJoinToken: async (uses) => {
        const token = await lineOf('hbj1.', ['join-token', '--uses', String(uses), '--minutes', '15', '--role', 'web']);
        if (token === null) throw new Error('the controller printed no join token');
        return token;
      },
      destroy: cleanup.run,
    };
  });
}
