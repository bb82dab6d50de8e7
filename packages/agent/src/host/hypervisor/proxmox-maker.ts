import type { GuestDefinition, GuestPlace, Resources } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, ResourceDriver } from '../drivers.ts';
import { waitUntil } from '../wait-until.ts';
import type { GuestMaker } from './guest-maker.ts';
import { numbersOf } from './guest-numbers.ts';
import type { ProxmoxConfig, ProxmoxTemplate } from './hypervisor-config.ts';
import type { ProxmoxApi } from './proxmox-api.ts';
import {
  asBefore,
  asDeleted,
  bootDisk,
  definitionIn,
  DELETED,
  deletedName,
  isMaking,
  keysText,
  makingMark,
  notesOf,
  tagsOf,
} from './proxmox-guest.ts';
import { asRow, asRows, checkVmid, createTasks, textOf, type Row, type Tasks } from './proxmox.ts';

/** Another may take a number between the question which is free and the copy. */
const NUMBER_TRIES = 5;
const COPY_TIMEOUT_MS = 55 * 60_000;
const COPY_EVERY_MS = 2000;
const NEW_GUEST = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const GUEST = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

export interface ProxmoxMakerParts extends Pick<DriverParts, 'clock' | 'files' | 'stateDirectory'> {
  readonly api: ProxmoxApi;
  readonly config: ProxmoxConfig;
}

interface Vms {
  /** The number of the only guest that is called so; null: none is. */
  find(name: string): Promise<string | null>;
  isThere(vmid: string): Promise<boolean>;
  config(vmid: string): Promise<Row>;
  set(vmid: string, form: Readonly<Record<string, string>>): Promise<void>;
  path(vmid: string): string;
}

function check(pattern: RegExp, guest: string): string {
  if (!pattern.test(guest))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(guest.slice(0, 80))} is no name of a guest`);
  return guest;
}

const conflict = (what: string): HaubanError => new HaubanError('CHANGE_CONFLICT', `${what}: it is left as it is`);

function createVms(api: ProxmoxApi, node: string): Vms {
  const base = `/nodes/${node}/qemu`;
  const path = (vmid: string): string => `${base}/${checkVmid(vmid)}`;
  const rows = async (): Promise<readonly Row[]> => asRows(await api.call('GET', base));
  return {
    path,
    async find(name) {
      const found = (await rows()).filter((row) => row['name'] === name);
      if (found.length > 1) throw new HaubanError('ACTION_REFUSED', `${found.length} guests are called ${name}`);
      return found[0] === undefined ? null : checkVmid(String(found[0]['vmid']));
    },
    isThere: async (vmid) => (await rows()).some((row) => String(row['vmid']) === vmid),
    config: async (vmid) => asRow(await api.call('GET', `${path(vmid)}/config`)),
    set: async (vmid, form) => void (await api.call('PUT', `${path(vmid)}/config`, form)),
  };
}

/** Which number an unfinished copy has; kept over a crash, because Proxmox VE names the guest at the copy's end only. */
function createCopyNotes({ files, stateDirectory }: Pick<ProxmoxMakerParts, 'files' | 'stateDirectory'>) {
  const noteOf = (guest: string): string => `${stateDirectory}/guest-copy-${check(NEW_GUEST, guest)}`;
  return {
    async read(guest: string): Promise<string | null> {
      const note = await files.state(noteOf(guest));
      return note.type === 'file' ? checkVmid(note.content) : null;
    },
    put: (guest: string, vmid: string) => files.writeFile(noteOf(guest), vmid, { mode: 0o600, uid: 0, gid: 0 }),
    drop: (guest: string) => files.removeFile(noteOf(guest)),
  };
}

interface Room extends ProxmoxMakerParts {
  readonly vms: Vms;
  readonly tasks: Tasks;
  readonly notes: ReturnType<typeof createCopyNotes>;
}

function templateOf({ templates }: ProxmoxConfig, name: string): ProxmoxTemplate {
  const template = templates.find((one) => one.name === name);
  if (template !== undefined) return template;
  throw new HaubanError(
    'ACTION_REFUSED',
    `there is no template ${name.slice(0, 40)}: /etc/hosting/hypervisor.toml names them in [[templates]]`,
  );
}

async function templateSize({ vms }: Room, { name, vmid }: ProxmoxTemplate): Promise<number> {
  const config = await vms.config(String(vmid));
  if (String(config['template']) !== '1')
    throw new HaubanError('ACTION_REFUSED', `guest ${vmid}, of template ${name}, is no template on Proxmox VE`);
  const disk = bootDisk(config);
  if (disk === null) throw new HaubanError('ACTION_REFUSED', `template ${name} does not boot from a disk of its own`);
  return disk.sizeGiB;
}

/** Copies the template under a number that is free; the note of it is there before the copy begins. */
async function copyTemplate(room: Room, guest: string, value: GuestDefinition): Promise<string> {
  const { api, config, notes, tasks, vms } = room;
  const { vmid, storage, pool } = templateOf(config, value.template);
  for (let nth = 1; ; nth += 1) {
    const newid = checkVmid(String(await api.call('GET', '/cluster/nextid')));
    await notes.put(guest, newid);
    const answer = await api.ask('POST', `${vms.path(String(vmid))}/clone`, {
      ...{ newid, name: guest, full: '1', description: makingMark(value.identity) },
      ...(storage === '' ? {} : { storage }),
      ...(pool === '' ? {} : { pool }),
    });
    if (answer.ok) {
      await tasks.finish(answer.data, 'copying a template');
      return newid;
    }
    // 400 to the question whether it is free: somebody else was faster.
    const free = await api.ask('GET', `/cluster/nextid?vmid=${newid}`);
    if (free.ok || free.status !== 400 || nth >= NUMBER_TRIES)
      throw new HaubanError('ACTION_FAILED', `Proxmox VE, copying a template: ${answer.status} ${answer.reason}`);
  }
}

async function make(room: Room, guest: string, value: GuestDefinition): Promise<void> {
  const { api, config, notes, tasks, vms } = room;
  const { bridge, cpus, diskGiB = 0, mac, memoryMiB, sshKeys = [] } = value;
  if (!config.bridges.includes(bridge) || !/^52:54:00(?::[0-9a-f]{2}){3}$/.test(mac))
    throw new HaubanError('ACTION_REFUSED', 'that is no network card that a new guest may get');
  await templateSize(room, templateOf(config, value.template));
  const vmid = await copyTemplate(room, guest, value);
  const disk = bootDisk(await vms.config(vmid));
  if (disk === null) throw new HaubanError('ACTION_FAILED', `Proxmox VE: the copy ${vmid} has no disk`);
  if (disk.sizeGiB !== diskGiB) {
    const resized = await api.call('PUT', `${vms.path(vmid)}/resize`, {
      ...{ disk: disk.key, size: `${Math.round(diskGiB)}G` },
    });
    // Before version 8 it answers when it is done, without a task.
    if (resized !== null) await tasks.finish(resized, 'making a disk larger');
  }
  await vms.set(vmid, {
    ...{ cores: String(cpus), sockets: '1', memory: String(memoryMiB), net0: `virtio=${mac},bridge=${bridge}` },
    ...(sshKeys.length > 0 ? { sshkeys: keysText(sshKeys) } : {}),
    // Last, with everything else: from here on it is whole.
    description: notesOf(value),
  });
  await notes.drop(guest);
}

/** An unfinished copy goes, once Proxmox VE has ended its task; whatever else has that number by now stays. */
async function tidy(room: Room, { guest, identity }: GuestPlace): Promise<void> {
  const { api, clock, notes, tasks, vms } = room;
  // Only what we began to make has a note, and only such names are made.
  const vmid = NEW_GUEST.test(guest) ? await notes.read(guest) : null;
  if (vmid === null) return;
  const copy = await waitUntil(
    clock,
    COPY_TIMEOUT_MS,
    async () => {
      if (!(await vms.isThere(vmid))) return { config: null };
      const config = await vms.config(vmid);
      return config['lock'] === undefined ? { config } : null;
    },
    COPY_EVERY_MS,
  );
  if (copy === null)
    throw new HaubanError('ACTION_UNDO_FAILED', `guest ${vmid} on Proxmox VE is locked by a copy that does not end`);
  if (copy.config !== null && isMaking(copy.config, identity))
    await tasks.finish(await api.call('DELETE', `${vms.path(vmid)}?purge=1`), 'removing an unfinished copy');
  await notes.drop(guest);
}

/** Nothing is destroyed: it gets another name, does not start by itself, and nobody removes it by mistake. */
async function putIntoTrash({ api, vms }: Room, guest: string, vmid: string): Promise<void> {
  const now = asRow(await api.call('GET', `${vms.path(vmid)}/status/current`));
  if (now['status'] !== 'stopped') throw conflict(`${guest} is not off`);
  await vms.set(vmid, asDeleted(guest, vmid, await vms.config(vmid)));
}

function createGuests(room: Room): ResourceDriver<'hypervisor.guest'> {
  const { vms } = room;
  const read = async (guest: string): Promise<{ vmid: string; value: GuestDefinition } | null> => {
    const vmid = await vms.find(check(NEW_GUEST, guest));
    const value = vmid === null ? null : definitionIn(await vms.config(vmid));
    return vmid === null || value === null ? null : { vmid, value };
  };
  return {
    read: async (guest) => (await read(guest))?.value ?? null,
    async write(guest, value) {
      const now = await read(guest);
      if (value === null) {
        if (now !== null) await putIntoTrash(room, guest, now.vmid);
        return;
      }
      await tidy(room, { guest, identity: value.identity });
      if ((await vms.find(guest)) !== null) throw conflict(`there is a guest ${guest}`);
      await make(room, guest, value);
    },
  };
}

function createKept(room: Room): ResourceDriver<'hypervisor.kept'> {
  const { api, config, vms } = room;
  const findDeleted = async (guest: string): Promise<{ vmid: string; config: Row } | null> => {
    check(GUEST, guest);
    const rows = asRows(await api.call('GET', `/nodes/${config.node}/qemu`));
    const found: { vmid: string; config: Row }[] = [];
    for (const row of rows) {
      const vmid = String(row['vmid']);
      if (textOf(row['name']) !== deletedName(guest, vmid)) continue;
      const one = await vms.config(vmid);
      if (tagsOf(one).includes(DELETED)) found.push({ vmid, config: one });
    }
    if (found.length > 1) throw conflict(`${found.length} guests that were called ${guest} lie in the trash`);
    return found[0] ?? null;
  };
  const read = async (guest: string): Promise<Resources['hypervisor.kept'] | null> => {
    const found = await findDeleted(guest);
    return found === null ? null : { identity: found.vmid };
  };
  return {
    read,
    async write(guest, value) {
      const found = await findDeleted(guest);
      if (value === null) {
        if (found === null) return;
        if ((await vms.find(guest)) !== null) throw conflict(`there is a guest ${guest} again`);
        await vms.set(found.vmid, asBefore(guest, found.config));
        return;
      }
      if (found?.vmid === value.identity) return;
      if (found !== null) throw conflict(`an earlier ${guest} lies in the trash as ${deletedName(guest, found.vmid)}`);
      if ((await vms.find(guest)) !== checkVmid(value.identity)) throw conflict(`${guest} is another guest now`);
      await putIntoTrash(room, guest, value.identity);
    },
  };
}

const keptThere = (): never => {
  throw new HaubanError('ACTION_REFUSED', 'Proxmox VE keeps disks and seeds of its guests itself');
};

/** Guests that are made and put away by us on Proxmox VE: copies of guests that root has named. */
export function createProxmoxMaker(parts: ProxmoxMakerParts): GuestMaker {
  const { api, clock, config, files } = parts;
  const tasks = createTasks(api, config.node, clock, COPY_TIMEOUT_MS);
  const room: Room = { ...parts, tasks, vms: createVms(api, config.node), notes: createCopyNotes(parts) };
  return {
    async prepare({ guest, template, bridge }) {
      if (!config.bridges.includes(bridge))
        throw new HaubanError(
          'ACTION_REFUSED',
          `bridge ${bridge.slice(0, 15)} is not one that /etc/hosting/hypervisor.toml names in bridges`,
        );
      const sizeGiB = await templateSize(room, templateOf(config, template));
      const numbers = await numbersOf(files, check(NEW_GUEST, guest));
      return { ...numbers, folder: null, templateGiB: Math.ceil(sizeGiB) };
    },
    tidy: (place) => tidy(room, place),
    'hypervisor.disk': { read: () => Promise.resolve(null), write: keptThere },
    'hypervisor.seed': { read: () => Promise.resolve(null), write: keptThere },
    'hypervisor.guest': createGuests(room),
    'hypervisor.kept': createKept(room),
  };
}
