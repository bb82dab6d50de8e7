import { join, resolve } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';

/** As in package.json; the node tells it to the controller. */
export const AGENT_VERSION = '0.1.0';

/** Every folder and file of one agent; computed once, handed to each room as far as it needs them. */
export interface AgentPaths {
  /** Root's: trust.json, policy.toml. */
  readonly configDir: string;
  readonly trustFile: string;
  readonly policyFile: string;
  /** The link process's own state. */
  readonly linkDir: string;
  readonly linkKeyFile: string;
  /** What the next link shows of the ones before. */
  readonly joinFile: string;
  /** Link keys of the controller that were followed to since the enrolment. */
  readonly controllerKeysFile: string;
  /** The newest head of the controller's audit log that was seen. */
  readonly auditHeadFile: string;
  readonly spoolDir: string;
  /** The executor's own state. */
  readonly executorDir: string;
  readonly receiptKeyFile: string;
  readonly journalDir: string;
  readonly recordingsDir: string;
  /** Sockets, gone after a reboot. */
  readonly runDir: string;
  readonly executorSocket: string;
  readonly shellsDir: string;
}

export interface PathFlags {
  /** One folder for everything: `<root>/{etc,link,executor,run}`. */
  readonly root?: string | undefined;
  /** Another folder for trust.json and policy.toml. */
  readonly config?: string | undefined;
}

interface Folders {
  readonly configDir: string;
  readonly linkDir: string;
  readonly executorDir: string;
  readonly runDir: string;
}

const INSTALLED: Folders = {
  configDir: '/etc/hauban',
  linkDir: '/var/lib/hauban/link',
  executorDir: '/var/lib/hauban/executor',
  runDir: '/run/hauban',
};

/** True for the places of an installed agent, where the link process is the user `hauban`. */
export const isInstalled = (paths: AgentPaths): boolean => paths.linkDir === INSTALLED.linkDir;

/** A socket path of more than 107 bytes cannot be bound; names of shell sockets need this much below the run folder. */
const RUN_DIR_MAX_BYTES = 60;

function below(root: string): Folders {
  const at = resolve(root);
  return {
    configDir: join(at, 'etc'),
    linkDir: join(at, 'link'),
    executorDir: join(at, 'executor'),
    runDir: join(at, 'run'),
  };
}

/** Flags win over the environment (`HAUBAN_CONFIG_DIR`, `HAUBAN_LINK_DIR`, `HAUBAN_EXECUTOR_DIR`, `HAUBAN_RUN_DIR`), that over the installed places. */
export function resolvePaths(flags: PathFlags, env: Readonly<Record<string, string | undefined>>): AgentPaths {
  const base = flags.root === undefined ? INSTALLED : below(flags.root);
  const fromEnv = (name: string, otherwise: string): string => {
    const value = env[name];
    return flags.root !== undefined || value === undefined || value === '' ? otherwise : resolve(value);
  };
  const configDir = flags.config === undefined ? fromEnv('HAUBAN_CONFIG_DIR', base.configDir) : resolve(flags.config);
  const linkDir = fromEnv('HAUBAN_LINK_DIR', base.linkDir);
  const executorDir = fromEnv('HAUBAN_EXECUTOR_DIR', base.executorDir);
  const runDir = fromEnv('HAUBAN_RUN_DIR', base.runDir);
  if (Buffer.byteLength(runDir) > RUN_DIR_MAX_BYTES)
    throw new HaubanError(
      'CONFIG_BAD',
      `The run folder ${runDir} has a name that is too long for sockets (more than ${RUN_DIR_MAX_BYTES} bytes): set HAUBAN_RUN_DIR to a shorter one.`,
    );
  return {
    configDir,
    trustFile: join(configDir, 'trust.json'),
    policyFile: join(configDir, 'policy.toml'),
    linkDir,
    linkKeyFile: join(linkDir, 'link-key.json'),
    joinFile: join(linkDir, 'joined'),
    controllerKeysFile: join(linkDir, 'controller-keys.json'),
    auditHeadFile: join(linkDir, 'audit-head.json'),
    spoolDir: join(linkDir, 'spool'),
    executorDir,
    receiptKeyFile: join(executorDir, 'receipt-key.json'),
    journalDir: join(executorDir, 'journal'),
    recordingsDir: join(executorDir, 'recordings'),
    runDir,
    executorSocket: join(runDir, 'executor.sock'),
    shellsDir: join(runDir, 'shells'),
  };
}
