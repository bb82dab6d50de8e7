import { describe, expect, it } from 'vitest';
import { parseDiskFiles, parseGuestNames, parseStats } from './libvirt-output.ts';

const UUID = '7c0deb36-c051-4c85-9168-3294f00d4061';

describe('what virsh prints', () => {
  it('is a UUID and a name a line; names may hold anything but a newline', () => {
    const text = ` ${UUID}   web1\n${UUID.replace('7', '8')} two words: 'x' --all\n\n`;
    expect([...parseGuestNames(text)]).toEqual([
      ['web1', UUID],
      ["two words: 'x' --all", UUID.replace('7', '8')],
    ]);
    expect([...parseGuestNames('error: no\n')]).toEqual([]);
  });

  it('has the values of each guest below its name', () => {
    const text = `Domain: 'web1'\n  state.state=1\n  state.reason=1\n  balloon.maximum=98304\n  vcpu.current=2\n\nDomain: 'a'b'\n  state.state=5\n\nDomain: 'c'\n  state.state=7\n  vcpu.current=x\n`;
    expect([...parseStats(text)]).toEqual([
      ['web1', { state: 'running', cpus: 2, memoryMiB: 96 }],
      ["a'b", { state: 'off' }],
      ['c', { state: 'other' }],
    ]);
  });

  it('a guest whose name is made like a value changes nobody', () => {
    const text = `Domain: '  state.state=1'\n  state.state=5\n\nDomain: 'x' Domain: 'web1'\n  state.state=5\n\nDomain: 'web1'\n  state.state=3\n`;
    expect(parseStats(text).get('web1')).toEqual({ state: 'paused' });
    expect(parseStats(text).get('  state.state=1')).toEqual({ state: 'off' });
  });

  it('disks that are files are told by their paths, whatever is in them', () => {
    const text = [
      ...[
        ' file     disk     vda   /srv/my disk.qcow2',
        ' file     cdrom    sda   /srv/cd.iso',
        ' file   disk   vdb   -',
      ],
      ...[' block    disk     vdc   /dev/vg/guest', ' network  disk     vdd   pool/image', ''],
    ].join('\n');
    expect(parseDiskFiles(text)).toEqual(['/srv/my disk.qcow2']);
  });
});
