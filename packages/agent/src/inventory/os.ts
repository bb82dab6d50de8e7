import type { Section } from './section.ts';

/** Operating system and kernel. */
export const os: Section = {
  name: 'os',
  async take(host) {
    const { default: si } = await import('systeminformation');
    const info = await si.osInfo();
    const release = await host.readText('/etc/debian_version');
    return {
      distribution: info.distro,
      release: info.release,
      codename: info.codename,
      debianVersion: release?.trim() ?? null,
      kernel: info.kernel,
      architecture: info.arch,
      hostName: info.fqdn || info.hostname,
      rebootRequired: await host.exists('/run/reboot-required'),
      initSystem: (await host.exists('/run/systemd/system')) ? 'systemd' : 'other',
    };
  },
};
