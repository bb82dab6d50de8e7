import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { argumentsOf, childrenOf } from './processes.ts';

/** The whole product as `npm start` runs it, in a data folder of its own, for tests that need all of it. */
export interface StandaloneStack {
  readonly url: string;
  /** The one-time link; null when the first account exists already. */
  readonly setupUrl: string | null;
  readonly dataDir: string;
  readonly launcher: ChildProcess;
  /** Everything that was printed so far. */
  output(): string;
  /** Process id of a part now; null while it is being restarted. */
  pid(part: Part): number | null;
  /** SIGTERM to the launcher; the exit status. */
  stop(): Promise<number | null>;
}

/** A launcher that was started; it may yet refuse. */
export interface Launched {
  readonly child: ChildProcess;
  readonly dataDir: string;
  /** Fulfilled when it says that it is ready; rejects with what it printed when it ends first. */
  readonly ready: Promise<StandaloneStack>;
  /** Its exit status, once all that it printed is here; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  output(): string;
}

export interface LaunchOptions {
  /** Folder of the project, built. */
  readonly home: string;
  readonly dataDir: string;
  readonly port: number;
  /** Arguments of the launcher; default: none. */
  readonly args?: readonly string[];
  /** Beside the data folder and the port. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: whoever runs the test. */
  readonly as?: { readonly uid: number; readonly gid: number };
}

export const PARTS = ['link', 'executor', 'controller', 'postgres', 'signer'] as const;
export type Part = (typeof PARTS)[number];

const ROLE_WORD: Record<Exclude<Part, 'postgres'>, string> = {
  link: 'link',
  executor: 'executor',
  controller: 'serve',
  signer: 'signer',
};

export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

function findPart(launcherPid: number, dataDir: string, part: Part): number | null {
  if (part === 'postgres') {
    try {
      const pid = Number(readFileSync(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0]);
      // Empty while it is being written; 0 would be our own group.
      return pid > 0 ? pid : null;
    } catch (error) {
      if (error instanceof Error && 'code' in error) return null;
      throw error;
    }
  }
  const word = ROLE_WORD[part];
  return childrenOf(launcherPid).find((pid) => argumentsOf(pid).includes(word)) ?? null;
}

/** Starts the launcher and gives it back at once. The caller ends it. */
export function launchStandalone(options: LaunchOptions): Launched {
  const { home, dataDir, port } = options;
  const child = spawn(process.execPath, [join(home, 'packages/standalone/dist/main.js'), ...(options.args ?? [])], {
    cwd: '/',
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/',
      HAUBAN_DATA: dataDir,
      HAUBAN_PORT: String(port),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options.as,
  });
  const lines: string[] = [];
  let setupUrl: string | null = null;
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  const stack = (): StandaloneStack => ({
    url: `http://localhost:${port}`,
    setupUrl,
    dataDir,
    launcher: child,
    output: () => lines.join('\n'),
    pid: (part) =>
      child.pid === undefined || child.exitCode !== null || child.signalCode !== null
        ? null
        : findPart(child.pid, dataDir, part),
    stop: async () => {
      child.kill('SIGTERM');
      return await exited;
    },
  });
  const ready = new Promise<StandaloneStack>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const link = /^\s*(https?:\/\/\S+\/setup\?\S+)$/.exec(line)?.[1];
        if (link !== undefined) setupUrl = link;
        if (line.startsWith('Ctrl-C stops')) resolve(stack());
      });
    }
    exited.then(
      (code) => reject(new Error(`the launcher ended with ${String(code)}:\n${lines.join('\n')}`)),
      (error: unknown) => reject(error as Error),
    );
  });
  // Whoever expects a refusal looks at `exited` only.
  ready.catch((error: unknown) => void error);
  return { child, dataDir, ready, exited, output: () => lines.join('\n') };
}

/** Starts the launcher and waits until it is ready; rejects with what it printed when it ends first. */
export async function startStandaloneStack(
  home: string,
  dataDir: string,
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<StandaloneStack> {
  return await launchStandalone({ home, dataDir, port, env }).ready;
}
