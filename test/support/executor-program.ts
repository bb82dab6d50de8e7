import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '@hauban/link';
import type { Queries, Tasks } from '@hauban/shared/actions';
import {
  createReceiptKeySource,
  pinIn,
  runExecutor,
  type ExecutorPaths,
} from '../../packages/agent/src/executor/index.ts';
import { createCustomDrivers } from '../../packages/agent/src/host/custom/custom-drivers.ts';
import type { Trust } from '../../packages/agent/src/host/safe-path.ts';
import { processStart } from '../../packages/agent/src/proc/session-processes.ts';
import { runShellHost } from '../../packages/agent/src/shell/index.ts';
import { createScratchActions, createScratchHost } from './scratch-host.ts';

/** What `executor-harness.ts` writes for this program. */
export interface ProgramConfig {
  readonly paths: ExecutorPaths & { readonly executorSocket: string };
  readonly nodeId: string;
  readonly controllerId: string;
  readonly authorityKeys: readonly { readonly kid: string; readonly key: string }[];
  readonly folder: string;
  /** Of the hoster's own actions; its parent is trusted as it is. */
  readonly customFolder: string;
  readonly delayMs: number;
  readonly dieAt: number;
  readonly endsShells: boolean;
}

const customTrust = ({ customFolder }: ProgramConfig): Trust => ({
  base: dirname(customFolder),
  ownerUid: process.getuid?.() ?? 0,
});

/** The real executor and the real shell host, with the scratch host and its actions in the place of the machine. */
async function main(command: string, file: string): Promise<void> {
  if (command === 'shell-host') {
    await runShellHost({ clock: systemClock, input: process.stdin, answer: (line) => void process.stdout.end(line) });
    return;
  }
  const config = JSON.parse(readFileSync(file, 'utf8')) as ProgramConfig;
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  const say = (fields: object, message: string): void =>
    void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  await runExecutor({
    paths: config.paths,
    listenAt: { kind: 'path', path: config.paths.executorSocket, gid: null },
    gid: null,
    ownUid: process.getuid?.() ?? 0,
    linkUid: null,
    hostName: 'scratch',
    identity: () => ({
      nodeId: config.nodeId,
      controllerId: config.controllerId,
      authority: { root: config.authorityKeys, steps: [] },
    }),
    processStart,
    endsShells: config.endsShells,
    receiptKey: createReceiptKeySource(config.paths.receiptKeyFile),
    actions: createScratchActions(config.folder),
    custom: { folder: config.customFolder, trust: customTrust(config) },
    createHost: (policy, printed) => {
      const scratch = createScratchHost(config);
      const custom = createCustomDrivers({
        folder: config.customFolder,
        copies: `${config.folder}/../copies`,
        trust: customTrust(config),
        pinOf: (name) => pinIn(policy(), name),
        accounts: scratch.accounts,
        requireRoot: () => undefined,
        printed,
      });
      // Sound: these are the only task and the only question of the test's actions.
      return {
        ...scratch,
        tasks: { run: (_task, args) => custom.tasks['custom.run'](args as Tasks['custom.run']) },
        queries: {
          ask: (_query, args) => custom.queries['custom.ask'](args as Queries['custom.ask']['args']),
        },
      };
    },
    hostProgram: [process.execPath, process.argv[1] ?? '', 'shell-host'],
    clock: systemClock,
    log: { info: say, warn: say, error: say },
    stop: stop.signal,
  });
}

await main(process.argv[2] ?? '', process.argv[3] ?? '');
