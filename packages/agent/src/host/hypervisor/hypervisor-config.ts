import type { HostFiles } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { parse, TomlError } from 'smol-toml';

/** Root's, by hand: which hypervisor this node is, and how it is reached. Nothing of it can come from an order. */
const CONFIG_FILE = '/etc/hosting/hypervisor.toml';

export interface LibvirtConfig {
  readonly driver: 'libvirt';
  readonly uri: string;
}

export type HypervisorConfig = LibvirtConfig;

/** A hypervisor of this machine: no other host, no option that names a program (`command=`, `netcat=`). */
const LOCAL_URI = /^(?:qemu|xen|test)(?:\+unix)?:\/\/\/(?:system|default)?$/;

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

function parseLibvirt(value: Readonly<Record<string, unknown>>): LibvirtConfig {
  checkKeys(value, ['driver', 'uri']);
  const { uri = 'qemu:///system' } = value;
  if (typeof uri !== 'string' || !LOCAL_URI.test(uri))
    throw refused('uri must name a hypervisor of this machine: qemu:///system');
  return { driver: 'libvirt', uri };
}

export function parseHypervisorConfig(text: string): HypervisorConfig {
  const value = parseToml(text);
  if (value['driver'] === 'libvirt') return parseLibvirt(value);
  throw refused('driver must be "libvirt"');
}

/** Content of a file that only root may change. */
async function loadRootFile(files: HostFiles, path: string): Promise<string> {
  const state = await files.state(path);
  if (state.type === 'absent')
    throw new HaubanError('ACTION_REFUSED', `this node is no hypervisor: ${path} is not there (driver = "libvirt")`);
  if (state.type !== 'file') throw new HaubanError('FILE_UNSAFE', `${path} is no regular file: it is not followed`);
  if (state.uid !== 0) throw new HaubanError('FILE_UNSAFE', `${path} belongs to uid ${state.uid}, not to root`);
  if ((state.mode & 0o022) !== 0) throw new HaubanError('FILE_UNSAFE', `${path} may be written by others than root`);
  return state.content;
}

export async function loadHypervisorConfig(files: HostFiles): Promise<HypervisorConfig> {
  return parseHypervisorConfig(await loadRootFile(files, CONFIG_FILE));
}
