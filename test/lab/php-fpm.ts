import type { LabNode } from './apache.ts';
import { phpRootInNode, phpRootVersions, type PhpRootVersion } from './php-roots.ts';
import { waitUntil, type RunningProgram } from './program.ts';

/** One PHP-FPM master with one pool, as the product runs it for an account; for tests that need PHP and not the product. */
export type PhpFpmOptions = {
  readonly version: '8.2' | PhpRootVersion;
  readonly account: string;
  readonly uid: number;
};

export type PhpFpm = { readonly socket: string; readonly master: RunningProgram };

/** Shared between a node and the PHP tree: sockets and configuration, sites. */
const sharedFolders = ['/run/hosting', '/srv'];
/** Debian's www-data, the same number everywhere. */
const webGroup = 33;

function poolText({ account, uid }: PhpFpmOptions, base: string, socket: string): string {
  return [
    '[global]',
    'daemonize = no',
    `error_log = ${base}.log`,
    'process_control_timeout = 10s',
    `[${account}]`,
    `user = ${uid}`,
    `group = ${uid}`,
    `listen = ${socket}`,
    'listen.owner = 0',
    `listen.group = ${webGroup}`,
    'listen.mode = 0660',
    'pm = static',
    'pm.max_children = 2',
    '',
  ].join('\n');
}

/** The master's own command: Debian 12's PHP directly, the others with their tree as root. */
function fpmCommand(version: PhpFpmOptions['version'], config: string): readonly [string, readonly string[]] {
  const fpm = `/usr/sbin/php-fpm${version}`;
  const args = ['--nodaemonize', '--fpm-config', config];
  const root = phpRootVersions.find((known) => known === version);
  if (root === undefined) return [fpm, args];
  const shared = sharedFolders.flatMap((folder) => ['--bind', folder, folder]);
  const tree = ['--bind', phpRootInNode(root), '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp', ...shared];
  return ['/usr/bin/bwrap', ['--unshare-pid', '--die-with-parent', '--cap-add', 'ALL', ...tree, '--', fpm, ...args]];
}

/** Starts the master and waits for its socket. */
export async function startPhpFpm(node: LabNode, options: PhpFpmOptions): Promise<PhpFpm> {
  const base = `/run/hosting/${options.account}-${options.version}`;
  const socket = `${base}.sock`;
  await node.writeFile(`${base}.conf`, poolText(options, base, socket));
  const [program, args] = fpmCommand(options.version, `${base}.conf`);
  const master = await node.spawn(program, args);
  await waitUntil(`the socket of PHP ${options.version} for ${options.account}`, async () => {
    if (master.child.exitCode !== null) {
      throw new Error(`PHP-FPM ended: ${master.stderrSoFar()}`);
    }
    return node.exists(socket);
  });
  return { socket, master };
}
