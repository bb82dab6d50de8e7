import type { HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { parse, TomlError } from 'smol-toml';

/** Root's, by hand: which hypervisor this node is, and how it is reached. Nothing of it can come from an order. */
const CONFIG_FILE = '/etc/hosting/hypervisor.toml';

/** Another hypervisor; `uri` for libvirt only. */
export interface OtherHost {
  readonly name: string;
  readonly uri: string;
}

export interface LibvirtConfig {
  readonly hosts: readonly OtherHost[];
  readonly driver: 'libvirt';
  readonly uri: string;
  /** Root's folder for disks of guests that we make. */
  readonly images: string;
  /** The only bridges that a new guest may get a card at. */
  readonly bridges: readonly string[];
  /** `tcg`: where the processor gives no help. */
  readonly accelerate: 'kvm' | 'tcg';
}

/** A guest of Proxmox VE that new ones are copied from. */
export interface ProxmoxTemplate {
  readonly name: string;
  readonly vmid: number;
  /** Where the disks of the copies come to lie; empty: beside those of the template. */
  readonly storage: string;
  /** That the copies belong to; empty: none. */
  readonly pool: string;
}

export interface ProxmoxConfig {
  readonly hosts: readonly OtherHost[];
  readonly driver: 'proxmox';
  readonly host: string;
  readonly port: number;
  /** As Proxmox calls the node whose guests are meant. */
  readonly node: string;
  /** Of its certificate, SHA-256, as `openssl x509 -fingerprint -sha256` and Proxmox show it. */
  readonly fingerprint: string;
  /** The only bridges that a new guest may get a card at. */
  readonly bridges: readonly string[];
  /** The only guests that may be copied. */
  readonly templates: readonly ProxmoxTemplate[];
}

export type HypervisorConfig = LibvirtConfig | ProxmoxConfig;

const TOKEN_FILE = '/etc/hosting/hypervisor.token';

/** A hypervisor of this machine: no other host, no option that names a program (`command=`, `netcat=`). */
const LOCAL_URI = /^(?:qemu|xen|test)(?:\+unix)?:\/\/\/(?:system|default)?$/;

const FOLDER = /^(?:\/[A-Za-z0-9][A-Za-z0-9._-]{0,60}){1,8}$/;
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

const refused = (problem: string): HaubanError => new HaubanError('ACTION_REFUSED', `${CONFIG_FILE}: ${problem}`);

function parseToml(text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw refused(`line ${error.line}: ${error.message.split('\n')[0] ?? ''}`);
  }
}

function checkKeys(value: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const strange = Object.keys(value).find((key) => !known.includes(key));
  if (strange !== undefined) throw refused(`${JSON.stringify(strange.slice(0, 60))} is not known here`);
}

/** Encrypted, and without parameters: `command=` would name a program. */
const OTHER_URI =
  /^qemu\+(?:tls|ssh):\/\/(?:[a-z0-9-]{1,32}@)?[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?\/system$/;
const HOST_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;

function parseHosts(value: unknown, needsUri: boolean): readonly OtherHost[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw refused('hosts must be tables: [[hosts]]');
  return value.map((one: unknown): OtherHost => {
    const host = (typeof one === 'object' && one !== null ? one : {}) as Readonly<Record<string, unknown>>;
    checkKeys(host, needsUri ? ['name', 'uri'] : ['name']);
    const { name, uri = '' } = host;
    if (typeof name !== 'string' || !HOST_NAME.test(name))
      throw refused('a host needs a name: small letters, digits, dots, dashes');
    if (typeof uri !== 'string' || (needsUri && !OTHER_URI.test(uri)))
      throw refused(`uri of ${name} must be like qemu+tls://${name}/system`);
    return { name, uri };
  });
}

function parseLibvirt(value: Readonly<Record<string, unknown>>): LibvirtConfig {
  checkKeys(value, ['driver', 'uri', 'images', 'bridges', 'accelerate', 'hosts']);
  const { uri = 'qemu:///system', images = '/var/lib/libvirt/images', bridges = [], accelerate = 'kvm' } = value;
  if (typeof uri !== 'string' || !LOCAL_URI.test(uri))
    throw refused('uri must name a hypervisor of this machine: qemu:///system');
  if (typeof images !== 'string' || !FOLDER.test(images)) throw refused('images must be the path of a folder');
  if (!isTexts(bridges)) throw refused('bridges must be a list of names: ["br0"]');
  if (accelerate !== 'kvm' && accelerate !== 'tcg') throw refused('accelerate must be "kvm" or "tcg"');
  return { driver: 'libvirt', uri, images, bridges, accelerate, hosts: parseHosts(value['hosts'], true) };
}

/** Names of storages and pools, as Proxmox checks them. */
const PLACE = /^(?:[A-Za-z][A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

function parseTemplates(value: unknown): readonly ProxmoxTemplate[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw refused('templates must be tables: [[templates]]');
  return value.map((one: unknown): ProxmoxTemplate => {
    const template = (typeof one === 'object' && one !== null ? one : {}) as Readonly<Record<string, unknown>>;
    checkKeys(template, ['name', 'vmid', 'storage', 'pool']);
    const { name, vmid, storage = '', pool = '' } = template;
    if (typeof name !== 'string' || !/^[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?$/.test(name))
      throw refused('a template needs a name: small letters, digits, dots, dashes');
    if (typeof vmid !== 'number' || !Number.isInteger(vmid) || vmid < 100 || vmid > 999_999_999)
      throw refused(`vmid of ${name} must be its number on Proxmox VE`);
    if (typeof storage !== 'string' || typeof pool !== 'string' || !PLACE.test(storage) || !PLACE.test(pool))
      throw refused(`storage and pool of ${name} must be names`);
    return { name, vmid, storage, pool };
  });
}

function parseProxmox(value: Readonly<Record<string, unknown>>): ProxmoxConfig {
  checkKeys(value, ['driver', 'url', 'node', 'fingerprint', 'hosts', 'bridges', 'templates']);
  const { url = 'https://127.0.0.1:8006', node, fingerprint, bridges = [] } = value;
  if (!isTexts(bridges)) throw refused('bridges must be a list of names: ["vmbr0"]');
  const [, host, port] = /^https:\/\/([A-Za-z0-9][A-Za-z0-9.-]{0,252}):([0-9]{2,5})\/?$/.exec(String(url)) ?? [];
  if (host === undefined) throw refused('url must be like https://127.0.0.1:8006');
  if (typeof node !== 'string' || !/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(node))
    throw refused('node must be the name of the node, as Proxmox shows it');
  if (typeof fingerprint !== 'string' || !/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/.test(fingerprint))
    throw refused(
      'fingerprint must be the SHA-256 of the certificate: 32 pairs of hexadecimal digits, upper case, colons',
    );
  return {
    ...{ driver: 'proxmox', host, port: Number(port), node, fingerprint, bridges },
    hosts: parseHosts(value['hosts'], false),
    templates: parseTemplates(value['templates']),
  };
}

export function parseHypervisorConfig(text: string): HypervisorConfig {
  const value = parseToml(text);
  if (value['driver'] === 'libvirt') return parseLibvirt(value);
  if (value['driver'] === 'proxmox') return parseProxmox(value);
  throw refused('driver must be "libvirt" or "proxmox"');
}

/** Content of a file that only root may change. */
async function loadRootFile(files: HostFiles, path: string, absent: string, closed: number): Promise<string> {
  const state = await files.state(path);
  if (state.type === 'absent') throw new HaubanError('ACTION_REFUSED', absent);
  if (state.type !== 'file') throw new HaubanError('FILE_UNSAFE', `${path} is no regular file: it is not followed`);
  if (state.uid !== 0) throw new HaubanError('FILE_UNSAFE', `${path} belongs to uid ${state.uid}, not to root`);
  if ((state.mode & closed) !== 0)
    throw new HaubanError('FILE_UNSAFE', `${path} may be ${closed === 0o077 ? 'read' : 'written'} by others than root`);
  return state.content;
}

export async function loadHypervisorConfig(files: HostFiles): Promise<HypervisorConfig> {
  const absent = `this node is no hypervisor: ${CONFIG_FILE} is not there (driver = "libvirt")`;
  return parseHypervisorConfig((await loadRootFile(files, CONFIG_FILE, absent, 0o022)).trim());
}

/** `USER@REALM!NAME=SECRET`, as Proxmox shows a new token; it never leaves this process but in the header. */
export async function loadProxmoxToken(files: HostFiles): Promise<string> {
  const absent = `write the token of Proxmox VE into ${TOKEN_FILE}: USER@REALM!NAME=SECRET, mode 0600`;
  const token = (await loadRootFile(files, TOKEN_FILE, absent, 0o077)).trim();
  if (!/^[A-Za-z0-9._-]{1,64}@[A-Za-z0-9._-]{1,32}![A-Za-z0-9._-]{1,64}=[A-Za-z0-9-]{8,128}$/.test(token))
    throw new HaubanError('ACTION_REFUSED', `${TOKEN_FILE} must hold one line: USER@REALM!NAME=SECRET`);
  return token;
}
