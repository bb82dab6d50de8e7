import type { Section } from './section.ts';

/** Network interfaces with their addresses; counters belong to metrics. */
export const interfaces: Section = {
  name: 'interfaces',
  async take() {
    const { default: si } = await import('systeminformation');
    const found = await si.networkInterfaces();
    const rows = Array.isArray(found) ? found : [found];
    return rows
      .map((row) => ({
        name: row.iface,
        mac: row.mac,
        ip4: row.ip4,
        ip4Mask: row.ip4subnet,
        ip6: row.ip6,
        mtu: row.mtu,
        speedMbit: row.speed ?? null,
        isVirtual: row.virtual,
        isUp: row.operstate === 'up' || row.operstate === 'unknown',
      }))
      .sort((a, b) => a.name.localeCompare(b.name));
  },
};
