import { homeOf, type HostFiles, type RunResult } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts } from '../drivers.ts';
import { eachLine } from '../program-lines.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';
import { saidBy } from '../run-program.ts';
import { openDirectory, ROOT_TRUST } from '../safe-path.ts';
import { parseSnapshots, type ResticRow } from './restic-listing.ts';

/** Root's, by hand: the path of a repository on this machine, and its password, which nobody else may read. */
const REPOSITORY = '/etc/hosting/restic/repository';
const PASSWORD = '/etc/hosting/restic/password';
/**
 * It dies with us: a backup that ends after its order was undone would leave a snapshot that nobody asked for. Neither
 * the repository nor its password is ever an argument.
 */
const BEFORE_ARGUMENTS: readonly string[] = [
  ...['--pdeathsig', 'KILL', '--', PROGRAM_PATHS.restic],
  ...['--repository-file', REPOSITORY, '--password-file', PASSWORD, '--no-cache', '--quiet'],
];
const TIMEOUT_MS = 55 * 60_000;

export type ResticParts = Pick<DriverParts, 'files' | 'programs'>;

export interface ResticRepository {
  run(args: readonly string[]): Promise<RunResult>;
  mustRun(args: readonly string[]): Promise<RunResult>;
  eachLine(args: readonly string[], each: (line: string) => void): Promise<void>;
  /** ACTION_REFUSED when it is not set up. */
  rows(account: string): Promise<readonly ResticRow[]>;
  /** Removes locks of programs that are gone; those of living ones stay. */
  unlock(): Promise<void>;
}

export function createResticRepository({ files, programs }: ResticParts): ResticRepository {
  const run = (args: readonly string[]): Promise<RunResult> =>
    programs.run('setpriv', [...BEFORE_ARGUMENTS, ...args], { timeoutMs: TIMEOUT_MS });
  const mustRun = async (args: readonly string[]): Promise<RunResult> => {
    const result = await run(args);
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `restic ${args[0] ?? ''}: ${saidBy(result)}`);
    return result;
  };
  return {
    run,
    mustRun,
    eachLine: (args, each) =>
      eachLine(PROGRAM_PATHS.setpriv, [...BEFORE_ARGUMENTS, ...args], TIMEOUT_MS, (line) => {
        if (line === null) throw new HaubanError('PROGRAM_FAILED', `restic ${args[0] ?? ''} wrote a line without end`);
        each(line);
      }),
    async rows(account) {
      const why = await whyUnusable(files, account);
      if (why !== '') throw new HaubanError('ACTION_REFUSED', why);
      const home = homeOf(account);
      const { stdout } = await mustRun(['snapshots', '--json', '--no-lock', `--path=${home}`]);
      return parseSnapshots(stdout, account, home);
    },
    unlock: async () => void (await mustRun(['unlock'])),
  };
}

/** Why it can not be used for that account, as one sentence; empty when it can. */
export async function whyUnusable(files: HostFiles, account: string): Promise<string> {
  const [repository, password] = [await files.state(REPOSITORY), await files.state(PASSWORD)];
  if (repository.type !== 'file' || password.type !== 'file')
    return `restic is not set up: write the path of a repository into ${REPOSITORY} and its password into ${PASSWORD}, then run restic init`;
  if (password.uid !== 0 || (password.mode & 0o077) !== 0)
    return `${PASSWORD} may be read by others: make it root's, with mode 0600`;
  const path = repository.content.trim();
  if (!path.startsWith('/')) return `${REPOSITORY} must hold the path of a folder on this machine`;
  if (`${path}/`.startsWith(`${homeOf(account)}/`)) return `${path} lies in the home that it would keep`;
  const folder = await openDirectory(path, ROOT_TRUST, true);
  await folder?.handle.close();
  return folder === null ? `${path} is not there: run restic init` : '';
}
