import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeOrTakeBack, type CleanupList } from '../cleanup-list.ts';
import { mustRunProgram } from '../program.ts';
import { programs } from '../programs.ts';
import { ACCOUNT, expectDone, NEIGHBOUR, standHostingNode, type HostingNode } from './hosting-node.ts';

/** A node whose homes lie on a btrfs of their own, a subvolume each. */
export interface StorageNode extends HostingNode {
  /** Everything below /srv/vol1, snapshots too: equal texts, equal trees. */
  readonly tree: () => Promise<string>;
  /** A program as that account; its exit code, and what it said. */
  readonly as: (
    account: { readonly uid: number },
    program: string,
    args: readonly string[],
  ) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  readonly destroy: () => Promise<void>;
}

export const BTRFS = '/usr/bin/btrfs';

/** A btrfs of its own with a subvolume for each of the accounts; bound into a node at /srv/vol1. */
export async function mountHomes(cleanup: CleanupList, accounts: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hauban-storage-'));
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  const [image, homes] = [join(folder, 'image'), join(folder, 'homes')];
  await mustRunProgram('/usr/bin/truncate', ['--size=900M', image]);
  await mustRunProgram('/usr/sbin/mkfs.btrfs', ['--quiet', image]);
  await mustRunProgram('/usr/bin/mkdir', [homes]);
  await mustRunProgram(programs.mount.path, ['--no-mtab', '-o', 'loop', image, homes]);
  cleanup.add(async () => void (await mustRunProgram(programs.umount.path, [homes])));
  await mustRunProgram(BTRFS, ['quota', 'enable', homes]);
  for (const name of accounts) await mustRunProgram(BTRFS, ['subvolume', 'create', join(homes, name)]);
  return homes;
}

export async function standStorageNode(name: string): Promise<StorageNode> {
  return makeOrTakeBack(async (cleanup) => {
    const binds = [
      { hostPath: await mountHomes(cleanup, [ACCOUNT.name, NEIGHBOUR.name]), nodePath: '/srv/vol1', writable: true },
    ];
    const hosting = await standHostingNode({ name, binds });
    cleanup.add(() => hosting.node.destroy());
    for (const account of [ACCOUNT, NEIGHBOUR]) expectDone(await hosting.actions.apply('account.create', account));
    const { node } = hosting;
    return {
      ...hosting,
      async tree() {
        const listed = await node.mustRun('/usr/bin/find', ['/srv/vol1', '-printf', '%y %m %U:%G %n %p -> %l\n']);
        const contents = await node.mustRun('/usr/bin/find', [
          ...['/srv/vol1', '-type', 'f', '-exec', '/usr/bin/sha256sum', '{}', '+'],
        ]);
        return [...listed.stdout.split('\n').toSorted(), ...contents.stdout.split('\n').toSorted()].join('\n');
      },
      as: ({ uid }, program, args) => node.run(program, [...args], { as: { uid, gid: uid } }),
      destroy: cleanup.run,
    };
  });
}
