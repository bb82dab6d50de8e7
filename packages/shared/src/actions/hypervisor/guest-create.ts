import Type, { type Static } from 'typebox';
import { defineAction } from '../define-action.ts';
import type { Host } from '../host.ts';
import { planChanges, refuse, type Planner } from '../planner.ts';
import { BridgeName, guestLocks, NewGuestName, TemplateName } from './guest-args.ts';

const Args = Type.Object(
  {
    guest: NewGuestName,
    template: TemplateName,
    cpus: Type.Integer({ minimum: 1, maximum: 64, title: 'Processors' }),
    memoryMiB: Type.Integer({ minimum: 64, maximum: 1_048_576, title: 'Memory', description: 'MiB' }),
    diskGiB: Type.Integer({
      minimum: 1,
      maximum: 4096,
      title: 'Disk',
      description: 'GiB; at least what the template has',
    }),
    bridge: BridgeName,
    description: Type.Optional(Type.String({ maxLength: 200, title: 'Description' })),
    sshKeys: Type.Optional(
      Type.Array(
        Type.String({
          pattern:
            '^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{40,1400}={0,2}(?: [A-Za-z0-9@._-]{1,60})?$',
          maxLength: 1500,
          title: 'Public key',
        }),
        { maxItems: 10, uniqueItems: true, title: 'SSH keys', description: 'Given to the first user by cloud-init' },
      ),
    ),
  },
  { additionalProperties: false },
);
type Args = Static<typeof Args>;

const readGuest = (host: Host, guest: string) => host.resources.read('hypervisor.guest', guest);

async function planGuest(planner: Planner, args: Args): Promise<void> {
  const { guest, template, cpus, memoryMiB, diskGiB, bridge, description = '', sshKeys = [] } = args;
  const { host } = planner;
  const { folder, identity, mac, templateGiB } = await host.queries.ask('hypervisor.prepare', {
    ...{ guest, template, bridge },
  });
  if (diskGiB < templateGiB) refuse(`the disk of ${template} has ${templateGiB} GiB: diskGiB must not be less`);
  const wanted = { identity, template, cpus, memoryMiB, bridge, mac, description };
  const there = await host.queries.ask('hypervisor.facts', { guest });
  const isOurs = folder === null ? (await readGuest(host, guest))?.identity === identity : there?.identity === identity;
  if (there !== null && !isOurs) refuse(`there is a guest ${guest} already`);
  if (folder === null) {
    if (there === null) planner.task('hypervisor.tidy', { guest, identity }, 'Remove an unfinished copy', 'undo');
    const before = await planner.resource('hypervisor.guest', guest, { ...wanted, diskGiB, sshKeys });
    if (before !== null && planner.changes.length > 0)
      refuse(`there is a guest ${guest} with another definition already`);
    return;
  }
  await planner.directory(folder, { mode: 0o711, uid: 0, gid: 0 });
  const disk = await planner.resource('hypervisor.disk', `${guest}/${template}`, { sizeGiB: diskGiB });
  if (disk !== null && disk.sizeGiB !== diskGiB) refuse(`there is a disk of ${guest} with ${disk.sizeGiB} GiB already`);
  await planner.resource('hypervisor.seed', guest, { sshKeys });
  const before = await planner.resource('hypervisor.guest', guest, wanted);
  if (before !== null && planner.changes.length > 0)
    refuse(`there is a guest ${guest} with another definition already`);
}

export const guestCreate = defineAction({
  name: 'guest.create',
  version: 1,
  title: 'Create a guest from a template',
  docs: `Copies the disk of a template that root has put into /etc/hosting/guests/templates (NAME.qcow2; one that leans on other files is refused), makes it as large as wanted, and defines a guest with one network card at a bridge that /etc/hosting/hypervisor.toml names (bridges = ["br0"]). Name and SSH keys come to the guest by cloud-init. It is left off: guest.start boots it. Undo takes the definition away and puts the disk into the trash, .trash beside the disks. On Proxmox VE the template is a guest there that [[templates]] in that file names (name, vmid, and storage and pool where wanted); it is copied whole, under the next free number, and undo does what guest.delete does; of a copy that was not finished it removes everything.`,
  risk: 'medium',
  roles: ['hypervisor'],
  needsRoot: true,
  readOnly: false,
  args: Args,
  filledIn: [],
  timeoutMs: 3_600_000,
  programs: ['qemu-img', 'setpriv', 'virsh'],
  locks: guestLocks,
  plan: (host, args) => planChanges(host, (planner) => planGuest(planner, args)),
  async verify(host, { guest, template, diskGiB }) {
    const definition = await readGuest(host, guest);
    const disk =
      definition?.diskGiB === undefined
        ? await host.resources.read('hypervisor.disk', `${guest}/${template}`)
        : { sizeGiB: definition.diskGiB };
    return [
      { name: 'It is defined', ok: definition?.template === template, saw: definition === null ? 'no' : 'yes' },
      { name: 'Its disk', ok: disk?.sizeGiB === diskGiB, saw: disk === null ? 'none' : `${disk.sizeGiB} GiB` },
    ];
  },
});
