import { ACCOUNT, putPage } from '../actions/hosting-node.ts';
import { BTRFS, standStorageNode, type StorageNode } from '../actions/storage-node.ts';
import { standOn, type DisposableStand } from './disposable-stand.ts';
import { pick, word } from './pick.ts';
import { defineFamily, type Arranging } from './scenario.ts';

const { name, uid } = ACCOUNT;
const HOME = `/srv/vol1/${name}`;
const WEB = `${HOME}/var/www`;
const SNAPSHOTS = `/srv/vol1/.snapshots/${name}`;
const FRIDAY = 'manual-friday';

interface StorageStand extends DisposableStand {
  readonly storage: StorageNode;
}
type Wants = Arranging<StorageStand>;

async function fillShop({ node }: StorageNode): Promise<void> {
  await node.mustRun('/usr/bin/mkdir', ['-p', `${WEB}/shop/img`]);
  await node.mustRun('/usr/bin/chown', ['-R', `${uid}:${uid}`, `${WEB}/shop`]);
  await putPage(node, ACCOUNT, 'shop/config.php', '<?php $friday = 1;', '0600');
  await putPage(node, ACCOUNT, 'shop/img/a b.png', 'picture');
  await putPage(node, ACCOUNT, 'shop/page.html', 'of friday');
  await node.mustRun('/usr/bin/ln', ['-s', 'img/a b.png', `${WEB}/shop/logo`]);
  await node.mustRun('/usr/bin/chown', ['-h', `${uid}:${uid}`, `${WEB}/shop/logo`]);
}

async function stand(): Promise<StorageStand> {
  const storage = await standStorageNode('cat-storage');
  const { node, actions } = storage;
  await fillShop(storage);
  await actions.apply('snapshot.create', { name, class: 'manual', label: 'friday' });
  const limits = async (): Promise<readonly (readonly [string, string])[]> => {
    const { stdout } = await node.mustRun(BTRFS, ['qgroup', 'show', '-re', '--raw', '/srv/vol1']);
    const home = (await node.mustRun(BTRFS, ['inspect-internal', 'rootid', HOME])).stdout.trim();
    const row = stdout.split('\n').find((line) => line.startsWith(`0/${home} `)) ?? '';
    return [[`quota:${name}`, row.trim().split(/\s+/).slice(3, 5).join(' ')]];
  };
  const made = await standOn(node, { mounted: ['/srv/vol1'], things: limits, destroy: storage.destroy });
  return { ...made, storage };
}

/** What a customer did since friday; taken back byte for byte. */
async function edit({ stand: { storage }, random, atEnd }: Wants): Promise<void> {
  const { node } = storage;
  const path = pick(random, ['shop/config.php', 'shop/page.html']);
  const [was, mode] = path === 'shop/config.php' ? ['<?php $friday = 1;', '0600'] : ['of friday', '0644'];
  await putPage(node, ACCOUNT, path, word(random, 20), mode);
  atEnd(() => putPage(node, ACCOUNT, path, was, mode));
}

const label = ({ random }: Wants): string => `r${word(random, 8)}`;
const restored = (id: string): string => `path:${HOME}/backups/restored-${id.split('/')[1] ?? ''}`;
const below = (path: string): RegExp => new RegExp(`^${path.replaceAll(/[.]/g, String.raw`\.`)}(?:/|$)`);
const inFolder = (id: string): readonly RegExp[] => [
  below(restored(id)),
  below(`path:${WEB}`),
  /^path:\/srv\/vol1\/[a-z0-9]+\/backups$/,
];
const snapshotPath = (id: string): string => `path:/srv/vol1/.snapshots/${id.split('/').slice(1).join('/')}`;

async function restoreArgs(wants: Wants, what: 'file' | 'directory'): Promise<object> {
  await edit(wants);
  const path =
    what === 'file'
      ? pick(wants.random, ['shop/config.php', 'shop/page.html', 'shop/img/a b.png'])
      : pick(wants.random, ['shop', 'shop/img']);
  return { name, snapshot: FRIDAY, path, mode: pick(wants.random, ['in-place', 'beside']), label: label(wants) };
}

export const STORAGE = defineFamily<StorageStand>({
  name: 'storage',
  stand,
  resources: {
    'storage.snapshot': (id) => ({
      shows: [snapshotPath(id)],
      touches: [
        below(snapshotPath(id)),
        /^path:\/srv\/vol1\/[a-z0-9]+\/backups/,
        /^path:\/srv\/vol1\/\.snapshots(?:\/[a-z0-9]+)?$/,
      ],
    }),
    'storage.restored': (id) => ({ shows: [restored(id)], touches: inFolder(id) }),
    'storage.placed': (id) => ({ shows: [`${restored(id)}/before`, restored(id)], touches: inFolder(id) }),
    'account.quota': (id) => ({ shows: [`quota:${id}`] }),
  },
  tasks: {
    'storage.discard': ({ account, label: which }) => ({
      shows: [`path:/srv/vol1/${account}/backups/restored-${which}`],
      touches: inFolder(`${account}/${which}`),
    }),
  },
  scenarios: [
    {
      action: 'snapshot.create',
      weight: 8,
      arrange(wants) {
        const kind = pick(wants.random, ['manual', 'hourly', 'daily', 'weekly', 'monthly']);
        return Promise.resolve({ name, class: kind, ...(kind === 'manual' ? { label: word(wants.random, 8) } : {}) });
      },
    },
    {
      action: 'snapshot.prune',
      weight: 6,
      stays: 'what it removes nobody brings back: the plan says so of each',
      async arrange({ stand: { node }, random, atEnd }) {
        const count = 2 + random.below(3);
        const days = Array.from({ length: count }, (_, at) => `daily-2026-10-0${at + 1}`);
        for (const day of days) {
          await node.mustRun(BTRFS, ['subvolume', 'snapshot', '-r', HOME, `${SNAPSHOTS}/${day}`]);
          atEnd(() => node.run(BTRFS, ['subvolume', 'delete', `${SNAPSHOTS}/${day}`]));
        }
        return { name, keep: { daily: 1 + random.below(count - 1) } };
      },
    },
    { action: 'storage.restore-file', weight: 8, arrange: (wants) => restoreArgs(wants, 'file') },
    { action: 'storage.restore-directory', weight: 8, arrange: (wants) => restoreArgs(wants, 'directory') },
    {
      action: 'storage.discard',
      weight: 8,
      stays: 'it removes the copy for good: its docs say so, and its risk is high',
      async arrange(wants) {
        const which = label(wants);
        await edit(wants);
        const args = { name, snapshot: FRIDAY, path: 'shop', mode: 'beside', label: which };
        const { result } = await wants.stand.orders.ask({ do: 'apply', action: 'storage.restore-directory', args });
        if (result.outcome !== 'succeeded') throw new Error(result.detail);
        wants.atEnd(() =>
          wants.stand.orders.ask({ do: 'apply', action: 'storage.discard', args: { name, label: which } }),
        );
        return { name, label: which };
      },
    },
    {
      action: 'account.set-quota',
      weight: 30,
      arrange: ({ random }) => Promise.resolve({ name, hardMiB: 100 + random.below(5000) }),
    },
    { action: 'snapshot.list', arrange: () => Promise.resolve({ name }) },
  ],
});
