import type { GuestDefinition, GuestPlace, PreparedGuest, Resources } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import type { DriverParts, ResourceDriver } from '../drivers.ts';
import { PROGRAM_PATHS } from '../program-paths.ts';
import { saidBy } from '../run-program.ts';
import {
  diskGiB,
  finishPart,
  imageBytes,
  moveInto,
  partOf,
  removeImage,
  removePart,
  templateGiB,
  writeImage,
} from './disk-file.ts';
import { decodeDefinition, domainXml, METADATA_NAMESPACE } from './domain-xml.ts';
import { numbersOf } from './guest-numbers.ts';
import type { LibvirtConfig } from './hypervisor-config.ts';
import type { Virsh } from './libvirt.ts';
import { buildSeedImage, readSeedKeys, seedTexts } from './seed-image.ts';

/** Root's, by hand: disks that guests may be made from. */
const TEMPLATES = '/etc/hosting/guests/templates';
const COPY_TIMEOUT_MS = 55 * 60_000;
const GUEST = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const TEMPLATE = /^[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?$/;
const BRIDGE = /^[a-z](?:[a-z0-9.-]{0,13}[a-z0-9])?$/;
const MAC = /^52:54:00(?::[0-9a-f]{2}){3}$/;

function check(pattern: RegExp, text: string, what: string): string {
  if (!pattern.test(text) || text.includes('..'))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(text.slice(0, 80))} is no ${what}`);
  return text;
}

export type MadeName = 'hypervisor.disk' | 'hypervisor.seed' | 'hypervisor.guest' | 'hypervisor.kept';

/** Guests that are made and put away by us: under libvirt, with their disks in a folder each. */
export type GuestMaker = { readonly [N in MadeName]: ResourceDriver<N> } & {
  prepare(order: {
    readonly guest: string;
    readonly template: string;
    readonly bridge: string;
  }): Promise<PreparedGuest>;
  /** What an unfinished guest left that no resource shows. */
  tidy(place: GuestPlace): Promise<void>;
};

export interface MakerParts extends Pick<DriverParts, 'clock' | 'files' | 'programs'> {
  readonly virsh: Virsh;
  readonly config: LibvirtConfig;
  /** Null: there is no guest of that name. */
  readonly identityOf: (guest: string) => Promise<string | null>;
}

const notOurs = (what: string): never => {
  throw new HaubanError('CHANGE_CONFLICT', `${what}: it is left as it is`);
};

function createPrepare({ files, config }: MakerParts, folderOf: (guest: string) => string): GuestMaker['prepare'] {
  return async ({ guest, template, bridge }) => {
    const folder = folderOf(guest);
    if (!config.bridges.includes(bridge))
      throw new HaubanError(
        'ACTION_REFUSED',
        `bridge ${bridge} is not one that /etc/hosting/hypervisor.toml names in bridges`,
      );
    const path = `${TEMPLATES}/${check(TEMPLATE, template, 'name of a template')}.qcow2`;
    const size = await templateGiB(path);
    if (size === null) throw new HaubanError('ACTION_REFUSED', `there is no template ${path}`);
    return { ...(await numbersOf(files, guest)), folder, templateGiB: Math.ceil(size) };
  };
}

/** Where the disk of `guest/template` lies, and what it is copied from. */
function createDisks(
  { clock, programs, config }: MakerParts,
  folderOf: (guest: string) => string,
): GuestMaker['hypervisor.disk'] {
  const placeOf = (id: string) => {
    const [guest = '', template = '', ...more] = id.split('/');
    if (more.length > 0) throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(id.slice(0, 80))} is no disk`);
    const name = `${check(TEMPLATE, template, 'name of a template')}.qcow2`;
    return {
      guest,
      folder: folderOf(guest),
      name,
      path: `${folderOf(guest)}/${name}`,
      template: `${TEMPLATES}/${name}`,
    };
  };
  const qemuImg = async (...args: readonly string[]): Promise<void> => {
    // It dies with us: a copy that goes on would write into a guest's folder that an undo has cleared.
    const all = ['--pdeathsig', 'KILL', '--', PROGRAM_PATHS['qemu-img'], ...args];
    const result = await programs.run('setpriv', all, { timeoutMs: COPY_TIMEOUT_MS });
    if (result.status !== 0) throw new HaubanError('PROGRAM_FAILED', `qemu-img ${args[0] ?? ''}: ${saidBy(result)}`);
  };
  return {
    async read(id) {
      const sizeGiB = await diskGiB(placeOf(id).path);
      return sizeGiB === null ? null : { sizeGiB };
    },
    async write(id, value) {
      const { guest, folder, name, path, template } = placeOf(id);
      await removePart(path);
      const now = await diskGiB(path);
      if (value === null) {
        if (now === null) return;
        await moveInto(folder, name, `${config.images}/.trash`, `${guest}.${name}.${clock.nowMs()}`);
        return;
      }
      if (now === value.sizeGiB) return;
      if (now !== null) notOurs(`${path} is there with ${now} GiB`);
      // Once more, now as what is opened: the file may be another one than when the plan was made.
      if ((await templateGiB(template)) === null)
        throw new HaubanError('ACTION_REFUSED', `there is no template ${template}`);
      const part = `${folder}/${partOf(name)}`;
      await qemuImg('convert', '-f', 'qcow2', '-O', 'qcow2', template, part);
      await qemuImg('resize', '-q', '-f', 'qcow2', part, `${Math.round(value.sizeGiB)}G`);
      await finishPart(path);
    },
  };
}

function createSeeds(folderOf: (guest: string) => string): GuestMaker['hypervisor.seed'] {
  const pathOf = (guest: string): string => `${folderOf(guest)}/seed.iso`;
  return {
    async read(guest) {
      const image = await imageBytes(pathOf(guest));
      if (image === null) return null;
      const sshKeys = readSeedKeys(image, guest);
      return sshKeys === null ? notOurs(`${pathOf(guest)} was not made by us`) : { sshKeys };
    },
    async write(guest, value) {
      const path = pathOf(guest);
      if (value === null) {
        await removePart(path);
        await removeImage(path);
        return;
      }
      const { metaData, userData } = seedTexts(guest, value.sshKeys);
      await writeImage(path, buildSeedImage(metaData, userData));
    },
  };
}

function createGuests(
  { virsh, config, identityOf }: MakerParts,
  folderOf: (guest: string) => string,
): GuestMaker['hypervisor.guest'] {
  const read = async (guest: string): Promise<GuestDefinition | null> => {
    check(GUEST, guest, 'name of a guest');
    const identity = await identityOf(guest);
    if (identity === null) return null;
    const said = await virsh.run('metadata', '--domain', identity, '--uri', METADATA_NAMESPACE, '--config');
    const definition = said.status === 0 ? decodeDefinition(said.stdout) : null;
    return definition?.identity === identity ? definition : null;
  };
  return {
    read,
    async write(guest, value) {
      if (value === null) {
        const now = await read(guest);
        if (now !== null) await virsh.mustRun('undefine', '--domain', now.identity, '--keep-nvram');
        return;
      }
      if ((await identityOf(guest)) !== null) notOurs(`there is a guest ${guest}`);
      check(MAC, value.mac, 'address of a network card of ours');
      check(BRIDGE, value.bridge, 'bridge');
      const folder = folderOf(guest);
      const disk = `${folder}/${check(TEMPLATE, value.template, 'name of a template')}.qcow2`;
      const xml = domainXml(
        guest,
        value,
        { disk, seed: `${folder}/seed.iso` },
        config.accelerate === 'kvm' ? 'kvm' : 'qemu',
      );
      await virsh.define(xml);
    },
  };
}

/** In the trash: the definition as libvirt had it and, when it is ours, the guest's folder. */
function createTrash({ files, virsh, config, identityOf }: MakerParts): Pick<GuestMaker, 'hypervisor.kept' | 'tidy'> {
  const trash = `${config.images}/.trash`;
  const folderOf = (guest: string): string =>
    `${trash}/${check(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, guest, 'name of a guest')}.deleted`;
  const isFolder = async (path: string): Promise<boolean> => (await files.state(path)).type === 'directory';
  const read = async (guest: string): Promise<Resources['hypervisor.kept'] | null> => {
    const folder = folderOf(guest);
    const note = await files.state(`${folder}/identity`);
    if (note.type !== 'file') return null;
    // Before its end the guest is still defined: then nothing has happened to it.
    return (await identityOf(guest)) === note.content ? null : { identity: note.content };
  };
  const put = async (guest: string, identity: string): Promise<void> => {
    const folder = folderOf(guest);
    const meta = { uid: 0, gid: 0 };
    await files.makeDirectory(trash, { mode: 0o700, ...meta });
    await files.makeDirectory(folder, { mode: 0o700, ...meta });
    const xml = await virsh.mustRun('dumpxml', '--domain', identity, '--inactive', '--security-info');
    await files.writeFile(`${folder}/domain.xml`, xml, { mode: 0o600, ...meta });
    await files.writeFile(`${folder}/identity`, identity, { mode: 0o600, ...meta });
    await virsh.mustRun('undefine', '--domain', identity, '--keep-nvram');
    if (await isFolder(`${config.images}/${guest}`)) await moveInto(config.images, guest, folder, 'disks');
  };
  const forget = async (folder: string): Promise<void> => {
    for (const name of ['domain.xml', 'identity']) await files.removeFile(`${folder}/${name}`);
    await files.removeDirectory(folder);
  };
  /** What a move into the trash that broke off before the guest was gone has left there. */
  const tidy = async ({ guest, identity }: GuestPlace): Promise<void> => {
    const folder = folderOf(guest);
    if (!(await isFolder(folder))) return files.removeLeftovers(folder);
    if ((await isFolder(`${folder}/disks`)) || (await identityOf(guest)) !== identity) return undefined;
    const note = await files.state(`${folder}/identity`);
    // Of an earlier guest of that name.
    if (note.type === 'file' && note.content !== identity) return undefined;
    return forget(folder);
  };
  const bringBack = async (guest: string): Promise<void> => {
    const folder = folderOf(guest);
    if (await isFolder(`${folder}/disks`)) await moveInto(folder, 'disks', config.images, guest);
    const xml = await files.state(`${folder}/domain.xml`);
    if (xml.type !== 'file') throw new HaubanError('ACTION_UNDO_FAILED', `${folder}/domain.xml is gone`);
    await virsh.define(xml.content);
    await forget(folder);
  };
  const write: ResourceDriver<'hypervisor.kept'>['write'] = async (guest, value) => {
    const now = await read(guest);
    if (value === null) {
      if (now !== null) await bringBack(guest);
      return;
    }
    if (now?.identity === value.identity) return;
    if (now !== null) notOurs(`an earlier ${guest} lies in ${folderOf(guest)}`);
    await put(guest, value.identity);
  };
  return { 'hypervisor.kept': { read, write }, tidy };
}

export function createGuestMaker(parts: MakerParts): GuestMaker {
  const folderOf = (guest: string): string => `${parts.config.images}/${check(GUEST, guest, 'name of a new guest')}`;
  return {
    prepare: createPrepare(parts, folderOf),
    'hypervisor.disk': createDisks(parts, folderOf),
    'hypervisor.seed': createSeeds(folderOf),
    'hypervisor.guest': createGuests(parts, folderOf),
    ...createTrash(parts),
  };
}
