import type { GuestDefinition } from '@hauban/shared/actions';
import { element, renderXml, type XmlElement } from './xml-tree.ts';

/** Marks guests of ours in their definition, with what was asked for. */
export const METADATA_NAMESPACE = 'urn:hauban:guest';

export interface GuestFiles {
  readonly disk: string;
  readonly seed: string;
}

const diskOf = (file: string, format: 'qcow2' | 'raw', target: string, ...more: readonly XmlElement[]): XmlElement =>
  element(
    'disk',
    { type: 'file', device: 'disk' },
    element('driver', { name: 'qemu', type: format }),
    element('source', { file }),
    element('target', { dev: target, bus: 'virtio' }),
    ...more,
  );

/** What `virsh define` reads. @param domainType `kvm`, or `qemu` where there is no help of the processor */
export function domainXml(
  guest: string,
  definition: GuestDefinition,
  { disk, seed }: GuestFiles,
  domainType: 'kvm' | 'qemu',
): string {
  const { identity, cpus, memoryMiB, bridge, mac, description } = definition;
  return renderXml(
    element(
      'domain',
      { type: domainType },
      element('name', {}, guest),
      element('uuid', {}, identity),
      element('description', {}, description),
      element('metadata', {}, element('guest', { xmlns: METADATA_NAMESPACE }, encodeDefinition(definition))),
      element('memory', { unit: 'MiB' }, String(memoryMiB)),
      element('vcpu', {}, String(cpus)),
      element('os', {}, element('type', { arch: 'x86_64', machine: 'q35' }, 'hvm'), element('boot', { dev: 'hd' })),
      element('features', {}, element('acpi'), element('apic')),
      ...(domainType === 'kvm' ? [element('cpu', { mode: 'host-model' })] : []),
      element('clock', { offset: 'utc' }),
      element('on_poweroff', {}, 'destroy'),
      element('on_reboot', {}, 'restart'),
      element('on_crash', {}, 'destroy'),
      element(
        'devices',
        {},
        diskOf(disk, 'qcow2', 'vda'),
        diskOf(seed, 'raw', 'vdb', element('readonly')),
        element(
          'interface',
          { type: 'bridge' },
          element('mac', { address: mac }),
          element('source', { bridge }),
          element('model', { type: 'virtio' }),
        ),
        element('serial', { type: 'pty' }),
        element('console', { type: 'pty' }, element('target', { type: 'serial' })),
        element('rng', { model: 'virtio' }, element('backend', { model: 'random' }, '/dev/urandom')),
      ),
    ),
  );
}

/** Letters and digits only, so that reading it back needs no reader of XML. */
const encodeDefinition = (definition: GuestDefinition): string =>
  Buffer.from(JSON.stringify(definition)).toString('base64url');

/** From what `virsh metadata` prints; null when it is nothing of ours. */
export function decodeDefinition(text: string): GuestDefinition | null {
  const encoded = />\s*([A-Za-z0-9_-]{2,4000})\s*</.exec(text)?.[1];
  if (encoded === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const texts = ['identity', 'template', 'bridge', 'mac', 'description'];
  const numbers = ['cpus', 'memoryMiB'];
  const record = (typeof value === 'object' ? (value ?? {}) : {}) as Readonly<Record<string, unknown>>;
  const isOurs =
    texts.every((key) => typeof record[key] === 'string') &&
    numbers.every((key) => typeof record[key] === 'number') &&
    Object.keys(record).length === texts.length + numbers.length;
  return isOurs ? (value as GuestDefinition) : null;
}
