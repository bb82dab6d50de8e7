import { IMAGES, standHypervisorNode, type HypervisorNode } from '../actions/hypervisor-node.ts';
import { GUEST_MEMORY_MIB } from '../actions/tiny-guest.ts';
import { standOn, type DisposableStand } from './disposable-stand.ts';
import { fileBelow } from './paths.ts';
import { word } from './pick.ts';
import { defineFamily, type Arranging, type Claim } from './scenario.ts';

/** Guests of a real libvirt, emulated by qemu: one that runs and hears its power button, one that is off, one that is deaf. */

const RUNS = 'runs';
const OFF = 'off';
const DEAF = 'deaf';
const TRASH = `${IMAGES}/.trash`;

interface HypervisorStand extends DisposableStand {
  readonly hypervisor: HypervisorNode;
}
type Wants = Arranging<HypervisorStand>;

/** As libvirt says them: whether each runs, its definition, and its snapshots. */
async function guestsOf({ virsh }: HypervisorNode): Promise<readonly (readonly [string, string])[]> {
  const names = (await virsh('list', '--all', '--name')).split('\n').filter(Boolean);
  const found: (readonly [string, string])[] = [];
  for (const name of names) {
    const said = await virsh(`domstate ${name}; dumpxml --inactive ${name}; snapshot-list ${name}`);
    found.push([`guest:${name}`, said.replaceAll(/\n\s*\n/g, '\n')]);
    const snapshots = (await virsh('snapshot-list', name, '--name')).split('\n').filter(Boolean);
    for (const snapshot of snapshots) found.push([`snapshot:${name}/${snapshot}`, 'there']);
    if (snapshots.length > 0) found.push([`stands on:${name}`, await virsh('snapshot-current', name, '--name')]);
  }
  return found;
}

async function stand(): Promise<HypervisorStand> {
  const hypervisor = await standHypervisorNode({ name: 'cat-guests' });
  const { node } = hypervisor;
  for (const name of [RUNS, OFF]) await hypervisor.defineGuest(name);
  await hypervisor.defineGuest(DEAF, { isDeaf: true });
  await hypervisor.virsh('start', RUNS);
  const made = await standOn(node, {
    things: () => guestsOf(hypervisor),
    leftOut: [
      {
        paths: /^\/(?:run|etc|var\/lib|var\/log|var\/cache)\/libvirt\/(?!images)/,
        why: "libvirt's own files: libvirt is asked",
      },
      { paths: /^\/tmp\/[a-z]+\.serial$/, why: 'what guests say' },
      {
        paths: /^\/var\/lib\/libvirt\/images\/(?:runs|off|deaf)\.qcow2$/,
        why: 'a disk whose guest ran, or had a snapshot, is another one to the byte: libvirt is asked',
      },
    ],
  });
  return { ...made, hypervisor };
}

const newGuest = ({ random }: Wants) => ({
  ...{ guest: `g${word(random)}`, template: 'tiny', cpus: 1 + random.below(2), memoryMiB: GUEST_MEMORY_MIB },
  ...{ diskGiB: 1 + random.below(3), bridge: 'br0' },
  ...(random.below(2) === 0 ? { description: `Customer ${word(random)}` } : {}),
});
const emptyTrash = ({ node }: HypervisorStand): Promise<unknown> => node.mustRun('/usr/bin/rm', ['-rf', TRASH]);
const TRASH_STAYS = { why: 'its docs: the disk lies in the trash, and nobody empties it', remove: emptyTrash };
const guestClaim = (id: string): Claim => ({
  shows: [`guest:${id.split('/')[0] ?? ''}`],
  touches: [fileBelow(`${IMAGES}/${id.split('/')[0] ?? ''}`), fileBelow(TRASH)],
});
const diskClaim =
  (file: string) =>
  (id: string): Claim => {
    const [guest = ''] = id.split('/');
    return { shows: [`path:${IMAGES}/${guest}/${file}`], touches: [fileBelow(`${IMAGES}/${guest}`), fileBelow(TRASH)] };
  };
const ofGuest = ({ guest }: { readonly guest: string }): Claim => ({ shows: [`guest:${guest}`] });

export const HYPERVISOR = defineFamily<HypervisorStand>({
  name: 'hypervisor',
  stand,
  resources: {
    'hypervisor.power': guestClaim,
    'hypervisor.guest': guestClaim,
    'hypervisor.kept': guestClaim,
    'hypervisor.disk': diskClaim('tiny.qcow2'),
    'hypervisor.seed': diskClaim('seed.iso'),
    'hypervisor.snapshot': (id) => ({ shows: [`snapshot:${id}`], touches: [/^(?:guest|stands on):/] }),
  },
  tasks: {
    'hypervisor.cut': ofGuest,
    'hypervisor.shutdown': ofGuest,
    'hypervisor.revert': ({ guest }) => ({ shows: [`stands on:${guest}`] }),
  },
  scenarios: [
    { action: 'guest.list', isDear: true, weight: 0, arrange: () => Promise.resolve({}) },
    {
      action: 'guest.create',
      isDear: true,
      undoKeeps: TRASH_STAYS,
      alwaysNew: [{ names: /^guest:/, why: 'a guest has an identity and an address of its own each time' }],
      arrange: (wants) => Promise.resolve(newGuest(wants)),
    },
    {
      action: 'guest.delete',
      isDear: true,
      undoKeeps: {
        why: 'the trash itself stays, with nothing in it',
        remove: ({ node }) => node.run('/usr/bin/rmdir', [TRASH]),
      },
      async arrange(wants) {
        const args = newGuest(wants);
        wants.atEnd(() => emptyTrash(wants.stand));
        await wants.first('guest.create', args);
        return { guest: args.guest };
      },
    },
    {
      action: 'guest.start',
      isDear: true,
      weight: 0,
      arrange: () => Promise.resolve({ guest: OFF }),
    },
    {
      action: 'guest.shutdown',
      isDear: true,
      weight: 0,
      arrange: () => Promise.resolve({ guest: RUNS }),
    },
    {
      action: 'guest.reboot',
      isDear: true,
      weight: 0,
      eachTime: 'another run each time; there is nothing to undo',
      arrange: () => Promise.resolve({ guest: RUNS }),
    },
    {
      action: 'guest.stop',
      isDear: true,
      stays: 'like pulling the plug: its docs say so, and its risk is high',
      async arrange({ stand: { hypervisor }, atEnd }) {
        atEnd(() => hypervisor.virsh('destroy', DEAF).catch(() => 'it is off'));
        await hypervisor.virsh('start', DEAF);
        return { guest: DEAF };
      },
    },
    {
      action: 'guest.snapshot',
      isDear: true,
      weight: 1,
      alwaysNew: [{ names: /^guest:/, why: 'a snapshot has its time' }],
      arrange: ({ random }) => Promise.resolve({ guest: OFF, snapshot: word(random) }),
    },
    {
      action: 'guest.snapshot-delete',
      isDear: true,
      stays: 'nobody can bring the snapshot back: its docs say so, and its risk is high',
      async arrange({ stand: { hypervisor }, random, atEnd }) {
        const snapshot = word(random);
        atEnd(() => hypervisor.virsh('snapshot-delete', OFF, snapshot).catch(() => 'it is gone'));
        await hypervisor.virsh('snapshot-create-as', OFF, snapshot);
        return { guest: OFF, snapshot };
      },
    },
    {
      action: 'guest.revert',
      isDear: true,
      stays: 'what was written since is lost: its docs say so, and its risk is high',
      eachTime: 'brought back each time: the guest may have written since',
      alsoChanges: [{ names: /^guest:/, why: 'the list of snapshots says on which one it stands' }],
      async arrange({ random, first }) {
        const snapshot = word(random);
        for (const one of [snapshot, word(random)]) await first('guest.snapshot', { guest: OFF, snapshot: one });
        return { guest: OFF, snapshot };
      },
    },
  ],
});
