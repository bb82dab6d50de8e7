import { mkdirSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { HaubanError } from '@hauban/shared/errors';
import type { StandaloneConfig } from './config.ts';
import type { Entries } from './entries.ts';
import type { Program } from './supervisor.ts';

/** Folders of one standalone copy, below its data and run folders. */
export interface Folders {
  readonly postgres: string;
  readonly controller: string;
  readonly signer: string;
  readonly node: string;
  readonly nodeRun: string;
  readonly logs: string;
  readonly signerSocket: string;
}

export function makeFolders(config: StandaloneConfig): Folders {
  // Others may walk through (PostgreSQL's user must), nobody else may list or write.
  mkdirSync(config.dataDir, { recursive: true, mode: 0o755 });
  const folders = {
    postgres: join(config.dataDir, 'postgres'),
    controller: join(config.dataDir, 'controller'),
    signer: join(config.dataDir, 'signer'),
    node: join(config.dataDir, 'node'),
    nodeRun: join(config.runDir, 'node'),
    logs: join(config.dataDir, 'logs'),
  };
  for (const path of [folders.controller, folders.signer, folders.node, folders.logs, config.runDir, folders.nodeRun]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  }
  return { ...folders, signerSocket: join(config.runDir, 'signer.sock') };
}

/** Only what a program needs; the environment of the person who started it is not passed on. */
function baseEnv(): Record<string, string> {
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', NODE_ENV: 'production', HOME: '/' };
}

export function controllerEnv(
  config: StandaloneConfig,
  folders: Folders,
  entries: Entries,
  databaseUrl: string,
): Record<string, string> {
  return {
    ...baseEnv(),
    DATABASE_URL: databaseUrl,
    HAUBAN_LISTEN: `${config.host}:${config.port}`,
    HAUBAN_PUBLIC_URL: config.publicUrl,
    HAUBAN_SIGNER_SOCKET: folders.signerSocket,
    HAUBAN_CONTROLLER_DIR: folders.controller,
    HAUBAN_UI_DIR: entries.uiDir,
    ...(config.signOnFile === null ? {} : { HAUBAN_SIGN_ON_FILE: config.signOnFile }),
    ...(config.webhookFile === null ? {} : { HAUBAN_WEBHOOK_FILE: config.webhookFile }),
  };
}

export function nodeEnv(folders: Folders): Record<string, string> {
  return {
    ...baseEnv(),
    HAUBAN_CONFIG_DIR: join(folders.node, 'etc'),
    HAUBAN_LINK_DIR: join(folders.node, 'link'),
    HAUBAN_EXECUTOR_DIR: join(folders.node, 'executor'),
    HAUBAN_RUN_DIR: folders.nodeRun,
  };
}

/** Does this line of a program's output say that it is up? */
const saysReady = (line: string): boolean => {
  if (!line.startsWith('{')) return false;
  try {
    return (JSON.parse(line) as { ready?: unknown }).ready === true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
};

const readyWithinMs = 45_000;

/** Flags that keep an idle agent small, as in systemd/hauban-link.service; measured in test/bench. */
const AGENT_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=128', '--v8-pool-size=0'];

export function signerProgram(folders: Folders, entries: Entries): Program {
  const env = { ...baseEnv(), HAUBAN_SIGNER_SOCKET: folders.signerSocket, HAUBAN_SIGNER_DIR: folders.signer };
  return {
    name: 'signer',
    path: process.execPath,
    args: [entries.controller, 'signer'],
    env,
    ready: saysReady,
    readyWithinMs,
    stopSignal: 'SIGTERM',
  };
}

export function controllerProgram(env: Record<string, string>, entries: Entries): Program {
  return {
    name: 'controller',
    path: process.execPath,
    args: [entries.controller, 'serve'],
    env,
    ready: saysReady,
    readyWithinMs,
    stopSignal: 'SIGTERM',
  };
}

export function executorProgram(folders: Folders, entries: Entries): Program {
  return {
    name: 'executor',
    path: process.execPath,
    args: [entries.agent, 'executor', '--end-shells'],
    env: nodeEnv(folders),
    ready: saysReady,
    readyWithinMs,
    stopSignal: 'SIGTERM',
  };
}

export function linkProgram(folders: Folders, entries: Entries): Program {
  return {
    name: 'link',
    path: process.execPath,
    args: [...AGENT_FLAGS, entries.agent, 'link'],
    env: nodeEnv(folders),
    ready: saysReady,
    readyWithinMs,
    stopSignal: 'SIGTERM',
  };
}

export type GiveUp = (error: HaubanError) => void;
