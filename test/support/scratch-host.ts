import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { systemClock, systemRandom } from '@hauban/link';
import {
  type ActionDefinition,
  type Change,
  type Host,
  type HostAccounts,
  type HostFiles,
} from '@hauban/shared/actions';

/**
 * A host that touches nothing but files below a scratch folder, slowly, and can be told to die at its n-th step; with it
 * a list of actions. Every effect is written to `effects.log`, so that a test can count them.
 */
export interface ScratchOptions {
  readonly folder: string;
  /** Each write and each removal takes this long, half of it before the effect. */
  readonly delayMs: number;
  /** The process is killed when this many moments have passed, counted over effects and their halves; 0: never. */
  readonly dieAt: number;
}

const pause = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));

type ScratchFiles = Pick<HostFiles, 'state' | 'writeFile' | 'removeFile' | 'removeLeftovers'>;

/** What the scratch actions use; anything else would fail loudly. */
function createFiles(options: ScratchOptions): ScratchFiles {
  let moments = 0;
  const moment = async (): Promise<void> => {
    await pause(options.delayMs / 2);
    moments += 1;
    if (moments === options.dieAt) process.kill(process.pid, 'SIGKILL');
  };
  const effect = async (path: string, what: string, work: () => void): Promise<void> => {
    await moment();
    work();
    appendFileSync(`${options.folder}/effects.log`, `${what} ${path}\n`);
    await moment();
  };
  return {
    state: async (path) => {
      if (!existsSync(path)) return { type: 'absent' };
      const { mode, uid, gid } = statSync(path);
      return { type: 'file', content: readFileSync(path, 'utf8'), mode: mode & 0o7777, uid, gid };
    },
    writeFile: (path, content, meta) =>
      effect(path, 'write', () => {
        writeFileSync(`${path}.tmp`, content, { mode: meta.mode });
        const descriptor = openSync(`${path}.tmp`, 'r');
        fsyncSync(descriptor);
        closeSync(descriptor);
        renameSync(`${path}.tmp`, path);
      }),
    removeFile: (path) => effect(path, 'remove', () => rmSync(path)),
    removeLeftovers: async (path) => rmSync(`${path}.tmp`, { recursive: true, force: true }),
  };
}

/** Users as /etc/passwd has them. */
function findUser(name: string): Awaited<ReturnType<HostAccounts['userByName']>> {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  if (line === undefined) return null;
  const [, , uid = '', gid = '', comment = '', home = '', shell = ''] = line.split(':');
  return { name, uid: Number(uid), gid: Number(gid), comment, home, shell };
}

export function createScratchHost(options: ScratchOptions): Host {
  return {
    clock: systemClock,
    random: systemRandom,
    files: createFiles(options),
    accounts: { userByName: (name: string) => Promise.resolve(findUser(name)) },
  } as unknown as Host;
}

interface FileArguments {
  readonly set: string;
  readonly count: number;
  readonly content: string;
}

/** Plain JSON Schema, which is what the schema library takes and makes. */
const FILE_ARGUMENTS = {
  type: 'object',
  required: ['set', 'count', 'content'],
  additionalProperties: false,
  properties: {
    set: { type: 'string', pattern: '^[a-z][a-z0-9]{0,15}$' },
    count: { type: 'integer', minimum: 0, maximum: 20 },
    content: { type: 'string', maxLength: 100_000 },
  },
} as const;

const meta = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** Some files that are to have this content; `verify` looks at each. `wrong` makes verify fail, `stubborn` makes undo fail. */
function defineFileAction(
  folder: string,
  options: {
    readonly name: string;
    readonly needsRoot?: boolean;
    readonly timeoutMs?: number;
    readonly isWrong?: boolean;
    readonly risk?: ActionDefinition['risk'];
  },
): ActionDefinition {
  const pathOf = (set: string, index: number): string => `${folder}/${set}-${index}.txt`;
  const definition: ActionDefinition<FileArguments> = {
    name: options.name,
    version: 1,
    title: 'Write files',
    docs: '',
    risk: options.risk ?? 'low',
    roles: [],
    needsRoot: options.needsRoot ?? false,
    readOnly: false,
    args: FILE_ARGUMENTS,
    filledIn: [],
    timeoutMs: options.timeoutMs ?? 30_000,
    programs: [],
    locks: ({ set }) => [`files:${set}`],
    plan: async (host, { set, count, content }) => {
      const changes: Change[] = [];
      for (let index = 0; index < count; index += 1) {
        const path = pathOf(set, index);
        const state = await host.files.state(path);
        const before = state.type === 'file' ? { ...meta, mode: state.mode, content: state.content } : null;
        if (before?.content !== content) changes.push({ kind: 'file', path, before, after: { ...meta, content } });
      }
      return { ok: true, changes, notes: [] };
    },
    verify: async (host, { set, count, content }) => {
      const found = [];
      for (let index = 0; index < count; index += 1) {
        const state = await host.files.state(pathOf(set, index));
        const isThere = state.type === 'file' && state.content === content && options.isWrong !== true;
        found.push({ name: pathOf(set, index), ok: isThere, saw: state.type });
      }
      return found;
    },
  };
  return definition;
}

/** The actions of the tests, by name. */
export function createScratchActions(folder: string): ReadonlyMap<string, ActionDefinition> {
  const actions = [
    defineFileAction(folder, { name: 'files.write' }),
    defineFileAction(folder, { name: 'files.write-wrong', isWrong: true }),
    defineFileAction(folder, { name: 'files.write-risky', risk: 'high' }),
    defineFileAction(folder, { name: 'files.write-late', timeoutMs: 150 }),
    defineFileAction(folder, { name: 'files.write-as-root', needsRoot: true }),
  ];
  return new Map(actions.map((action) => [action.name, action]));
}
