import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '@hauban/link';
import { ACTIONS, type ActionDefinition, type Queries, type Tasks } from '@hauban/shared/actions';
import type { Clock } from '@hauban/shared/time';
import {
  createReceiptKeyFiles,
  ReceiptKeys,
  runExecutor,
  type ReceiptKeyFiles,
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
  /** The process kills itself before or after a write of the receipt key's files: 1 is before the first, 2 after it. 0: never. */
  readonly dieAtKeyStep: number;
  /** How far the clock of the receipt key is ahead. */
  readonly keyAgeMs: number;
  readonly endsShells: boolean;
}

const customTrust = ({ customFolder }: ProgramConfig): Trust => ({
  base: dirname(customFolder),
  ownerUid: process.getuid?.() ?? 0,
});

/** Files that are written as ever until the process dies by SIGKILL at that point. */
function dyingFiles(files: ReceiptKeyFiles, dieAt: number): ReceiptKeyFiles {
  let at = 0;
  const passes = (): void => {
    at += 1;
    if (at === dieAt) process.kill(process.pid, 'SIGKILL');
  };
  const around = <T>(write: () => T): T => {
    passes();
    const result = write();
    passes();
    return result;
  };
  return {
    ...files,
    next: () => (files.hasNext() ? files.next() : around(files.next)),
    storeSteps: (steps) => around(() => files.storeSteps(steps)),
    adoptNext: () => around(files.adoptNext),
  };
}

const agedClock = (aheadMs: number): Clock => ({ ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs });

/** The real executor and the real shell host, with the scratch host and its actions in the place of the machine. */
const rotate = ACTIONS.get('node.rotate-receipt-key') as ActionDefinition;

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
  const log = { info: say, warn: say, error: say };
  const files = dyingFiles(createReceiptKeyFiles(config.paths.receiptKeyFile), config.dieAtKeyStep);
  const receiptKeys = new ReceiptKeys({ files, identity: () => config, clock: agedClock(config.keyAgeMs), log });
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
    receiptKeys,
    actions: new Map([...createScratchActions(config.folder), [rotate.name, rotate]]),
    custom: { folder: config.customFolder, trust: customTrust(config) },
    createHost: ({ pinOf, printed }) => {
      const scratch = createScratchHost(config);
      const custom = createCustomDrivers({
        folder: config.customFolder,
        copies: `${config.folder}/../copies`,
        trust: customTrust(config),
        pinOf,
        accounts: scratch.accounts,
        requireRoot: () => undefined,
        printed,
      });
      // Sound: these are the only tasks and the only questions of the test's actions.
      return {
        ...scratch,
        tasks: {
          run: async (task, args) => {
            if (task === 'custom.run') await custom.tasks['custom.run'](args as Tasks['custom.run']);
            else if (receiptKeys.version < (args as Tasks['node.rotate-receipt-key']).version) receiptKeys.rotate();
          },
        },
        queries: {
          ask: async (query, args) =>
            query === 'custom.ask'
              ? await custom.queries['custom.ask'](args as Queries['custom.ask']['args'])
              : ({ version: receiptKeys.version, key: receiptKeys.key().publicText } as never),
        },
      };
    },
    hostProgram: [process.execPath, process.argv[1] ?? '', 'shell-host'],
    clock: systemClock,
    log,
    stop: stop.signal,
  });
}

await main(process.argv[2] ?? '', process.argv[3] ?? '');
