import { describe, expect, it } from 'vitest';
import { parseHypervisorConfig } from './hypervisor-config.ts';

const problemOf = (text: string): string => {
  try {
    return JSON.stringify(parseHypervisorConfig(text));
  } catch (error) {
    return (error as { detail: string }).detail;
  }
};

describe('/etc/hosting/hypervisor.toml', () => {
  it('names libvirt, on this machine', () => {
    expect(parseHypervisorConfig('driver = "libvirt"')).toMatchObject({ driver: 'libvirt', uri: 'qemu:///system' });
    expect(parseHypervisorConfig('driver = "libvirt"\nuri = "test+unix:///default"')).toMatchObject({
      uri: 'test+unix:///default',
    });
  });

  it.each([
    'qemu+ssh://host/system',
    'qemu://host/system',
    'qemu+ext:///system?command=/usr/bin/touch',
    'qemu+unix:///system?socket=/tmp/theirs',
    'test:///etc/shadow',
    '--all',
    'qemu:///system\\n',
  ])('with the address %j is refused', (uri) =>
    expect(problemOf(`driver = "libvirt"\nuri = "${uri}"`)).toContain('uri must name a hypervisor of this machine'),
  );

  it.each([
    'qemu+tcp://node2/system',
    'qemu+ext://node2/system',
    'qemu+ssh://node2/system?command=/usr/bin/touch',
    'qemu+ssh://-oProxyCommand=x/system',
    'qemu+tls://node2/session',
    'test:///default',
    '',
  ])('with another hypervisor at %j is refused', (uri) =>
    expect(problemOf(`driver = "libvirt"\n[[hosts]]\nname = "node2"\nuri = "${uri}"`)).toContain(
      'uri of node2 must be',
    ),
  );

  it('names other hypervisors, by names that are no options', () => {
    const hosts = '[[hosts]]\nname = "node2"\nuri = "qemu+tls://node2.example/system"';
    expect(parseHypervisorConfig(`driver = "libvirt"\n${hosts}`)).toMatchObject({ hosts: [{ name: 'node2' }] });
    expect(problemOf('driver = "libvirt"\n[[hosts]]\nname = "--all"')).toContain('a host needs a name');
    expect(problemOf('driver = "libvirt"\nhosts = 5')).toContain('hosts must be tables');
  });

  it.each([
    ['', /driver must be/],
    ['driver = "vmware"', /driver must be/],
    ['driver = "libvirt"\nurl = "x"', /"url" is not known here/],
    ['driver = "libvirt"\nuri = 5', /uri must name/],
    ['driver = ', /line 1: /],
  ])('says what is wrong with %j', (text, wanted) => expect(problemOf(text)).toMatch(wanted));

  const proxmox = `driver = "proxmox"\nnode = "pve1"\nfingerprint = "${Array(32).fill('AB').join(':')}"\n`;

  it('names guests of Proxmox VE that new ones are copied from', () => {
    const text = `${proxmox}bridges = ["vmbr0"]\n[[templates]]\nname = "debian12"\nvmid = 9000\nstorage = "fast"`;
    expect(parseHypervisorConfig(text)).toMatchObject({
      bridges: ['vmbr0'],
      templates: [{ name: 'debian12', vmid: 9000, storage: 'fast', pool: '' }],
    });
    expect(parseHypervisorConfig(proxmox)).toMatchObject({ bridges: [], templates: [] });
  });

  it.each([
    ['templates = 5', /templates must be tables/],
    ['bridges = "vmbr0"', /bridges must be a list/],
    ['[[templates]]\nname = "../x"\nvmid = 9000', /a template needs a name/],
    ['[[templates]]\nname = "a"\nvmid = "9000/../101"', /vmid of a must be/],
    ['[[templates]]\nname = "a"\nvmid = 99', /vmid of a must be/],
    ['[[templates]]\nname = "a"\nvmid = 9000\nstorage = "a&full=0"', /must be names/],
    ['[[templates]]\nname = "a"\nvmid = 9000\npool = 5', /must be names/],
    ['[[templates]]\nname = "a"\nvmid = 9000\nnode = "pve2"', /"node" is not known/],
  ])('and not with %j', (text, wanted) => expect(problemOf(proxmox + text)).toMatch(wanted));
});
