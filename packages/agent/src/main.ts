#!/usr/bin/env node
/**
 * The programs of a node behind one file: each subcommand loads only its own room, so that the small link process
 * does not carry what the executor or the inventory need. Builds everything by plain arguments.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import { AGENT_VERSION, isInstalled, resolvePaths, type AgentPaths } from './config.ts';

/** 0 done; 1 failed; 2 the command line is wrong; 3 refused: trying again as it is will not help. */
const EXIT = { done: 0, failed: 1, usage: 2, refused: 3 } as const;

const USAGE = `hauban-agent ${AGENT_VERSION}

  hauban-agent enrol --url URL --token TOKEN [--ca FILE] [--force]   join this machine to a controller
  hauban-agent link          keep the link to the controller (user hauban)
  hauban-agent executor      carry out orders (root); --end-shells: open shells end with it
  hauban-agent custom-hash NAME   what to write into policy.toml for /etc/hauban/actions/NAME (root)
  hauban-agent version

Folders: --root DIR, --config DIR, or HAUBAN_CONFIG_DIR, HAUBAN_LINK_DIR, HAUBAN_EXECUTOR_DIR, HAUBAN_RUN_DIR.
`;

/** What a room is given. `stop` is aborted by SIGTERM, SIGINT or SIGHUP. */
interface Call {
  readonly args: readonly string[];
  readonly paths: () => AgentPaths;
  readonly stop: AbortSignal;
}

type Room = (call: Call) => Promise<number>;

const ROOMS: Readonly<Record<string, Room>> = {
  enrol: async ({ args, paths }) => {
    const { runEnrol } = await import('./enrol/index.ts');
    const at = paths();
    const print = (line: string): void => void process.stdout.write(`${line}\n`);
    const isDone = await runEnrol({
      args,
      paths: at,
      agentVersion: AGENT_VERSION,
      isInstalled: isInstalled(at),
      print,
    });
    return isDone ? EXIT.done : EXIT.refused;
  },
  link: async ({ paths, stop }) => {
    const { runLink } = await import('./link-main.ts');
    const { createLog } = await import('./log.ts');
    const mainFile = fileURLToPath(import.meta.url);
    await runLink({ paths: paths(), log: createLog(), mainFile, stop });
    return EXIT.done;
  },
  executor: async ({ args, paths, stop }) => {
    const { runExecutorProgram } = await import('./executor-main.ts');
    const { createLog } = await import('./log.ts');
    const mainFile = fileURLToPath(import.meta.url);
    const endsShells = args.includes('--end-shells');
    await runExecutorProgram({ paths: paths(), log: createLog(), mainFile, endsShells, stop });
    return EXIT.done;
  },
  // Started by the executor, one for each shell; never by a person.
  'shell-host': async () => {
    const { runShellHost } = await import('./shell/index.ts');
    const answer = (line: string): void => void process.stdout.end(line);
    await runShellHost({ clock: systemClock, input: process.stdin, answer });
    return EXIT.done;
  },
  inventory: async ({ args }) => {
    const { runInventory } = await import('./inventory/index.ts');
    await runInventory(args);
    return EXIT.done;
  },
  // Started by the executor inside private namespaces, never by a person. Without the actions, which are most of a start.
  rehearse: async () => {
    const { runRehearsalProcess } = await import('./host/rehearsal-process.ts');
    await runRehearsalProcess();
    return EXIT.done;
  },
  'custom-hash': async ({ args, paths }) => {
    const { readCustomFolder, ROOT_TRUST } = await import('./host/index.ts');
    const { name, hash } = await readCustomFolder(join(paths().configDir, 'actions'), args[0] ?? '', ROOT_TRUST);
    process.stdout.write(`[[custom]]\nname = "${name}"\nhash = "${hash}"\n`);
    return EXIT.done;
  },
  version: async () => {
    process.stdout.write(`${AGENT_VERSION}\n`);
    return EXIT.done;
  },
};

function usage(problem: string): number {
  process.stderr.write(`${problem}\n\n${USAGE}`);
  return EXIT.usage;
}

/** Folder flags may stand anywhere after the subcommand; what is left belongs to the room. */
function splitFlags(argv: readonly string[]): {
  readonly flags: Record<string, string>;
  readonly args: readonly string[];
} {
  const flags: Record<string, string> = {};
  const args: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const [name = '', inline] = (argv[i] ?? '').split(/=(.*)/s, 2);
    if (name !== '--root' && name !== '--config') args.push(argv[i] ?? '');
    else {
      const value = inline ?? argv[(i += 1)];
      if (value === undefined || value === '') throw new HaubanError('CONFIG_BAD', `${name} needs a folder.`);
      flags[name.slice(2)] = value;
    }
  }
  return { flags, args };
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => controller.abort());
  return controller.signal;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(USAGE);
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  const room = Object.hasOwn(ROOMS, name) ? ROOMS[name] : undefined;
  if (room === undefined) return usage(`There is no command "${name}".`);
  try {
    const { flags, args } = splitFlags(rest);
    return await room({ args, paths: () => resolvePaths(flags, process.env), stop: stopSignal() });
  } catch (error) {
    if (!(error instanceof HaubanError)) throw error;
    process.stderr.write(`${error.detail}\n`);
    return EXIT.failed;
  }
}

process.exitCode = await main(process.argv.slice(2));
