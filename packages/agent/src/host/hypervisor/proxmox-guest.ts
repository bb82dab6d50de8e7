import type { GuestDefinition } from '@hauban/shared/actions';
import { textOf, type Row } from './proxmox.ts';

/** What a guest of Proxmox VE is, read from `GET /nodes/{node}/qemu/{vmid}/config`. */

/** The last line of the notes of a guest of ours; while it is made another, so that nobody takes it for whole. */
const MARK = /(?:^|\n)hauban-guest ([0-9a-f-]{36}) ([a-z0-9.-]{1,40})$/;
export const makingMark = (identity: string): string => `hauban-making ${identity}`;
export const notesOf = ({ description, identity, template }: GuestDefinition): string =>
  `${description === '' ? '' : `${description}\n\n`}hauban-guest ${identity} ${template}`;

/** Notes end with a newline when they are read, without one when they are written. */
const notesIn = (config: Row): string => textOf(config['description']).trimEnd();
export const isMaking = (config: Row, identity: string): boolean => notesIn(config) === makingMark(identity);

/** Numbers come as numbers or as texts, by version and by key. */
function numberOf(value: unknown): number {
  const text = typeof value === 'number' ? String(value) : textOf(value);
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
}

const UNITS: Readonly<Record<string, number>> = { M: 1 / 1024, G: 1, T: 1024 };

/** The disk that it boots from, by its key, and how large it is; null: there is none whose size is told. */
export function bootDisk(config: Row): { readonly key: string; readonly sizeGiB: number } | null {
  const order = /(?:^|,)order=([a-z0-9;]+)/.exec(textOf(config['boot']))?.[1]?.split(';') ?? [];
  for (const key of [...order, textOf(config['bootdisk'])]) {
    const disk = /^(?:scsi|virtio|sata|ide)[0-9]{1,2}$/.test(key) ? textOf(config[key]) : '';
    const [, size = '', unit = ''] = /(?:^|,)size=([0-9]{1,9})([MGT])(?:,|$)/.exec(disk) ?? [];
    const factor = UNITS[unit];
    if (factor !== undefined && !disk.split(',').includes('media=cdrom'))
      return { key, sizeGiB: Number(size) * factor };
  }
  return null;
}

/** Proxmox VE keeps the keys of a guest percent-encoded. */
function keysIn(config: Row): readonly string[] {
  const encoded = textOf(config['sshkeys']);
  if (!/^(?:[A-Za-z0-9_.!~*'()-]|%[0-7][0-9A-Fa-f])*$/.test(encoded)) return [encoded];
  return decodeURIComponent(encoded)
    .split('\n')
    .filter((line) => line !== '');
}
export const keysText = (keys: readonly string[]): string => encodeURIComponent(keys.join('\n'));

/** Null: somebody else's, or not finished. */
export function definitionIn(config: Row): GuestDefinition | null {
  const notes = notesIn(config);
  const found = MARK.exec(notes);
  if (found === null) return null;
  const [, identity = '', template = ''] = found;
  const card = textOf(config['net0']);
  return {
    identity,
    template,
    cpus: numberOf(config['cores'] ?? 1) * numberOf(config['sockets'] ?? 1),
    memoryMiB: numberOf(config['memory']),
    bridge: /(?:^|,)bridge=([^,]+)/.exec(card)?.[1] ?? '',
    mac: (/^virtio=([0-9A-Fa-f:]{17})(?:,|$)/.exec(card)?.[1] ?? '').toLowerCase(),
    description: notes.slice(0, found.index).trimEnd(),
    diskGiB: bootDisk(config)?.sizeGiB ?? 0,
    sshKeys: keysIn(config),
  };
}

export const DELETED = 'hauban-deleted';
const [STARTED, PROTECTED] = ['hauban-was-onboot', 'hauban-was-protected'];
const isOn = (value: unknown): boolean => numberOf(value) === 1;
export const tagsOf = (config: Row): readonly string[] =>
  textOf(config['tags'])
    .split(/[;, ]+/)
    .filter((tag) => tag !== '');

export const deletedName = (guest: string, vmid: string): string => `deleted-${vmid}-${guest}`;

/** What is set on a guest that goes into the trash; the tags keep what it had. */
export function asDeleted(guest: string, vmid: string, config: Row): Readonly<Record<string, string>> {
  const kept = [
    DELETED,
    ...(isOn(config['onboot']) ? [STARTED] : []),
    ...(isOn(config['protection']) ? [PROTECTED] : []),
  ];
  return {
    ...{ name: deletedName(guest, vmid), tags: [...tagsOf(config), ...kept].join(';') },
    ...{ onboot: '0', protection: '1', digest: textOf(config['digest']) },
  };
}

/** The way back. A setting that it did not have is taken away. */
export function asBefore(guest: string, config: Row): Readonly<Record<string, string>> {
  const tags = tagsOf(config);
  const rest = tags.filter((tag) => ![DELETED, STARTED, PROTECTED].includes(tag));
  const gone = [
    ...(tags.includes(STARTED) ? [] : ['onboot']),
    ...(tags.includes(PROTECTED) ? [] : ['protection']),
    ...(rest.length > 0 ? [] : ['tags']),
  ];
  return {
    name: guest,
    ...(tags.includes(STARTED) ? { onboot: '1' } : {}),
    ...(tags.includes(PROTECTED) ? { protection: '1' } : {}),
    ...(rest.length > 0 ? { tags: rest.join(';') } : {}),
    ...(gone.length > 0 ? { delete: gone.join(',') } : {}),
    digest: textOf(config['digest']),
  };
}
