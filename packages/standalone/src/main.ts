#!/usr/bin/env node
/**
 * One command that runs everything on one machine: embedded PostgreSQL, signer, controller, and one agent that enrols
 * this machine through the same door as any node. Starts in order, restarts what dies, stops in reverse order.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HaubanError } from '@hauban/shared/errors';
import { backUpRunning, parseWishes, restoreBefore, type Wishes } from './backup.ts';
import { assertWritable, loadConfig, projectVersion, type StandaloneConfig } from './config.ts';
import { takeDataLock } from './data-lock.ts';
import { findEntries, type Entries } from './entries.ts';
import { firstNodePolicy, thingsThatNeedRoot } from './first-node-policy.ts';
import { keepPostgres } from './postgres/keep-postgres.ts';
import { createProgress, type Progress } from './progress.ts';
import { runOnce } from './run-once.ts';
import {
  controllerEnv,
  controllerProgram,
  executorProgram,
  linkProgram,
  makeFolders,
  nodeEnv,
  signerProgram,
  type Folders,
  type GiveUp,
} from './stack.ts';
import { supervise } from './supervisor.ts';

/** Clean-up in reverse order of the start. */
type StopList = { readonly title: string; readonly stop: () => Promise<void> }[];

async function assertPortFree(config: StandaloneConfig): Promise<void> {
  await new Promise<void>((done, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        taken
          ? new HaubanError(
              'PORT_IN_USE',
              `Port ${config.port} on ${config.host} is in use by another program: stop it, or choose another port with HAUBAN_PORT.`,
            )
          : new HaubanError(
              'CONFIG_BAD',
              `Port ${config.port} on ${config.host} cannot be used (${error.code ?? 'unknown'}): choose another with HAUBAN_PORT or another address with HAUBAN_HOST.`,
              { cause: error },
            ),
      );
    });
    server.listen(config.port, config.host, () => server.close(() => done()));
  });
}

async function enrolThisMachine(
  config: StandaloneConfig,
  folders: Folders,
  entries: Entries,
  env: Record<string, string>,
): Promise<void> {
  const printed = await runOnce(
    'The join token',
    process.execPath,
    [entries.controller, 'join-token', '--uses', '1', '--minutes', '15', '--role', 'web'],
    env,
  );
  const token = printed.split('\n').find((line) => line.startsWith('hbj1.'));
  if (token === undefined) throw new HaubanError('INTERNAL', 'The controller printed no join token.');
  const url = `ws://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}/link`;
  // The policy first: the enrolment keeps one that is there, and a crash between the two leaves nothing half done.
  mkdirSync(join(folders.node, 'etc'), { recursive: true, mode: 0o755 });
  writeFileSync(join(folders.node, 'etc', 'policy.toml'), firstNodePolicy(config.userName, config.isRoot), {
    mode: 0o644,
  });
  await runOnce(
    'The enrolment',
    process.execPath,
    [entries.agent, 'enrol', '--url', url, '--token', token.trim()],
    nodeEnv(folders),
  );
}

async function startNode(
  config: StandaloneConfig,
  folders: Folders,
  entries: Entries,
  env: Record<string, string>,
  giveUp: GiveUp,
  progress: Progress,
  stops: StopList,
): Promise<void> {
  if (!existsSync(join(folders.node, 'etc', 'trust.json'))) {
    await progress.step('Enrolling this machine', () => enrolThisMachine(config, folders, entries, env));
  }
  const executor = await progress.step('Executor', () =>
    supervise(executorProgram(folders, entries), folders.logs, giveUp),
  );
  stops.push({ title: 'executor', stop: () => executor.stop() });
  const link = await progress.step('Link', () => supervise(linkProgram(folders, entries), folders.logs, giveUp));
  stops.push({ title: 'link', stop: () => link.stop() });
}

async function startAll(
  home: string,
  config: StandaloneConfig,
  wishes: Wishes,
  progress: Progress,
  stops: StopList,
  giveUp: GiveUp,
): Promise<void> {
  const entries = findEntries(home);
  const folders = makeFolders(config);
  assertWritable(config.dataDir);
  const lock = await takeDataLock(config.dataDir);
  stops.push({ title: 'lock', stop: async () => lock.release() });
  await assertPortFree(config);
  let databaseUrl = config.databaseUrl;
  if (databaseUrl === null) {
    const postgres = await progress.step('PostgreSQL (embedded)', () =>
      keepPostgres({ dataDir: folders.postgres }, giveUp),
    );
    stops.push({ title: 'PostgreSQL', stop: () => postgres.stop() });
    databaseUrl = postgres.url;
  }
  const env = controllerEnv(config, folders, entries, databaseUrl);
  const { restore, isAfterRestore } = wishes;
  if (restore !== null)
    await progress.step('Restore', () => restoreBefore(env, folders, entries, restore, process.env));
  const signer = await progress.step('Signer', () => supervise(signerProgram(folders, entries), folders.logs, giveUp));
  stops.push({ title: 'signer', stop: () => signer.stop() });
  // Only when a person says so at this start: it is the one moment at which a copied disk would be believed.
  if (isAfterRestore)
    await progress.step('After the restore', () =>
      runOnce('after-restore', process.execPath, [entries.controller, 'after-restore'], env),
    );
  const controller = await progress.step('Controller', () =>
    supervise(controllerProgram(env, entries), folders.logs, giveUp),
  );
  stops.push({ title: 'controller', stop: () => controller.stop() });
  await startNode(config, folders, entries, env, giveUp, progress, stops);
  await sayWhereToGo(config, folders, entries, env, progress);
}

async function sayWhereToGo(
  config: StandaloneConfig,
  folders: Folders,
  entries: Entries,
  env: Record<string, string>,
  progress: Progress,
): Promise<void> {
  const setup = (await runOnce('The set-up link', process.execPath, [entries.controller, 'setup-link'], env))
    .split('\n')
    .find((line) => line.startsWith('http'));
  progress.say('');
  progress.say(
    setup === undefined
      ? `Hauban is ready: ${config.publicUrl}`
      : `Hauban is ready. Open this link once to make the first account:\n\n    ${setup.trim()}\n`,
  );
  progress.say(
    `Data, logs and this node's policy file: ${config.dataDir} (policy: ${join(folders.node, 'etc', 'policy.toml')})`,
  );
  if (!config.isRoot)
    progress.say(
      `Started as ${config.userName}, not as root. Actions on these need root and are refused: ${thingsThatNeedRoot().join(', ')}.`,
    );
  progress.say('Ctrl-C stops everything in order.');
}

async function stopAll(stops: StopList, progress: Progress): Promise<boolean> {
  let isClean = true;
  for (const { title, stop } of stops.toReversed()) {
    try {
      await stop();
    } catch (error) {
      isClean = false;
      progress.say(`${title} did not stop in order: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return isClean;
}

function explain(error: unknown): string {
  if (error instanceof HaubanError) return error.detail;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function main(): Promise<number> {
  const home = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
  const progress = createProgress(
    (text) => void process.stdout.write(text),
    () => performance.now(),
  );
  const stops: StopList = [];
  const ended = new Promise<HaubanError | NodeJS.Signals>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done(signal));
    giveUp = (error) => done(error);
  });
  let code = 0;
  try {
    const wishes = parseWishes(process.argv.slice(2));
    const config = loadConfig(process.env, home);
    if (wishes.backup !== null) {
      progress.say(await backUpRunning(config, findEntries(home), wishes.backup, process.env));
      return 0;
    }
    progress.say(`Hauban ${projectVersion(home)}, data in ${config.dataDir}`);
    const started = startAll(home, config, wishes, progress, stops, (error) => giveUp(error));
    // A signal during the start ends it: what was started so far is stopped.
    const reason = await Promise.race([ended, started.then(() => ended)]);
    if (typeof reason !== 'string') {
      process.stderr.write(`${reason.detail}\n`);
      code = 1;
    }
    progress.say(`\nStopping${typeof reason === 'string' ? ` (${reason})` : ''} …`);
  } catch (error) {
    process.stderr.write(`\n${explain(error)}\n`);
    code = 1;
  }
  if (!(await stopAll(stops, progress))) code = 1;
  if (code === 0) progress.say('Stopped. All data is kept.');
  return code;
}

let giveUp: GiveUp = () => undefined;
process.exitCode = await main();
process.exit();
