import { makeOrTakeBack } from '../cleanup-list.ts';
import { waitUntil } from '../program.ts';
import { ACCOUNT, expectDone, NEIGHBOUR, standHostingNode, type HostingNode } from './hosting-node.ts';

/** A node whose homes are a dataset of ZFS each, by ZFS on FUSE: this kernel has no module for it. */
export interface ZfsNode extends HostingNode {
  /** Everything in the homes but `.zfs`, every snapshot of the pool, and where its datasets are: equal texts, equal states. */
  readonly tree: () => Promise<string>;
  readonly zfs: (...args: readonly string[]) => Promise<string>;
  readonly destroy: () => Promise<void>;
}

export const POOL = 'tank/homes';
const ZFS = '/usr/sbin/zfs';
/** Debian's own program, where the one below stands in its place. */
export const REAL_ZFS = '/usr/sbin/zfs-of-debian';

/**
 * What the kernel's ZFS does and ZFS on FUSE does not: a snapshot is shown below `.zfs/snapshot` of its home, as a mount
 * whose source is its name. Everything else is Debian's zfs, with the same arguments. `fault` tells it to lie.
 */
const SHOWING_ZFS = `#!${process.execPath}
const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, readFileSync, rmdirSync } = require('node:fs');
const args = process.argv.slice(2);
const run = (program, ...rest) =>
  spawnSync('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '--', program, ...rest], { encoding: 'utf8' });
const must = (...words) => {
  const { status, stderr } = run(...words);
  if (status !== 0) throw new Error(words.join(' ') + ': ' + stderr);
};
const isMounted = (path) => run('/usr/bin/findmnt', path).status === 0;
const placeOf = (target) => '/srv/vol1/' + target.split('/').at(-1).replace('@', '/.zfs/snapshot/');
const hide = (place) => {
  while (isMounted(place)) must('/usr/bin/umount', place);
  for (const folder of [place, place.replace(/.[^/]+$/, ''), place.replace(/.snapshot.[^/]+$/, '')])
    try { rmdirSync(folder); } catch (error) { if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error; }
};
const show = (target) => {
  const place = placeOf(target);
  hide(place);
  mkdirSync(place, { recursive: true });
  must('/usr/bin/mount', '-t', 'tmpfs', '-o', 'mode=755', target, place);
  // Nothing has changed since in these tests.
  must('/usr/bin/cp', '-a', place.replace(/.[.]zfs.*/, '/var'), place);
  must('/usr/bin/mount', '-o', 'remount,ro', place);
};
const fault = existsSync('/run/zfs-fault') ? readFileSync('/run/zfs-fault', 'utf8') : '';
if (fault === args[0]) {
  process.stderr.write('cannot ' + fault + ': I/O error\\n');
  process.exit(0);
}
if (args[0] === 'destroy') hide(placeOf(args.at(-1)));
const { status, stdout, stderr } = run('${REAL_ZFS}', ...args);
if (args[0] === 'snapshot' && status === 0) show(args.at(-1));
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = status ?? 1;
`;

async function startPool({ node }: HostingNode): Promise<void> {
  await node.mustRun('/usr/bin/mknod', ['-m', '600', '/dev/fuse', 'c', '10', '229']);
  await node.mustRun('/usr/bin/mkdir', ['-p', '/run/zfs', '/var/lib/zfs']);
  // As systemd does it: what is unmounted is unmounted for the sandboxes of PHP too, which would keep a home busy.
  await node.mustRun('/usr/bin/mount', ['--make-rshared', '/']);
  await node.spawn('/usr/sbin/zfs-fuse', ['--no-daemon', '--no-kstat-mount']);
  await waitUntil('the daemon of ZFS', async () => (await node.run('/usr/sbin/zpool', ['list'])).code === 0);
  await node.mustRun('/usr/bin/truncate', ['--size=300M', '/var/lib/zfs/disk']);
  await node.mustRun('/usr/sbin/zpool', ['create', '-f', '-m', 'none', 'tank', '/var/lib/zfs/disk']);
  await node.mustRun(ZFS, ['create', '-o', 'canmount=off', '-o', 'mountpoint=/srv/vol1', POOL]);
  // One home has its own mountpoint, the other has it from the dataset above.
  await node.mustRun(ZFS, ['create', '-o', `mountpoint=/srv/vol1/${ACCOUNT.name}`, `${POOL}/${ACCOUNT.name}`]);
  await node.mustRun(ZFS, ['create', `${POOL}/${NEIGHBOUR.name}`]);
  await node.mustRun('/usr/bin/mv', [ZFS, REAL_ZFS]);
  await node.writeFile(ZFS, SHOWING_ZFS, 0o755);
}

export async function standZfsNode(name: string): Promise<ZfsNode> {
  return makeOrTakeBack(async (cleanup) => {
    const hosting = await standHostingNode({ name, sizeMiB: 1024 });
    cleanup.add(() => hosting.node.destroy());
    await startPool(hosting);
    for (const account of [ACCOUNT, NEIGHBOUR]) expectDone(await hosting.actions.apply('account.create', account));
    const { node } = hosting;
    const out = async (program: string, ...args: readonly string[]): Promise<string> =>
      (await node.mustRun(program, args)).stdout;
    return {
      ...hosting,
      zfs: (...args) => out(REAL_ZFS, ...args),
      async tree() {
        const homes = ['/srv/vol1', '-name', '.zfs', '-prune', '-o'];
        const listed = await out('/usr/bin/find', ...homes, '-printf', '%y %m %U:%G %n %p -> %l\n');
        const contents = await out('/usr/bin/find', ...homes, '-type', 'f', '-exec', '/usr/bin/sha256sum', '{}', '+');
        const columns = ['-H', '-o', 'name,property,value,source', '-r'];
        const properties = 'userrefs,refquota,mountpoint,mounted,hauban:mountpoint';
        const pool = await out(REAL_ZFS, 'get', ...columns, properties, 'tank');
        return [listed, contents, pool].flatMap((text) => text.split('\n').toSorted()).join('\n');
      },
      destroy: cleanup.run,
    };
  });
}
