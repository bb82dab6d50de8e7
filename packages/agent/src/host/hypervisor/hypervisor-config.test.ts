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
    ['', /driver must be/],
    ['driver = "vmware"', /driver must be/],
    ['driver = "libvirt"\nurl = "x"', /"url" is not known here/],
    ['driver = "libvirt"\nuri = 5', /uri must name/],
    ['driver = ', /line 1: /],
  ])('says what is wrong with %j', (text, wanted) => expect(problemOf(text)).toMatch(wanted));
});
