import type { Section } from './section.ts';

/** Machine, processor and memory, by systeminformation (it may start programs; this runs in a short-lived child). */
export const hardware: Section = {
  name: 'hardware',
  async take() {
    const { default: si } = await import('systeminformation');
    const [system, cpu, memory] = await Promise.all([si.system(), si.cpu(), si.mem()]);
    return {
      manufacturer: system.manufacturer,
      model: system.model,
      serial: system.serial,
      isVirtual: system.virtual ?? false,
      virtualHost: system.virtualHost ?? '',
      cpu: `${cpu.manufacturer} ${cpu.brand}`.trim(),
      cores: cpu.cores,
      physicalCores: cpu.physicalCores,
      sockets: cpu.processors,
      memoryBytes: memory.total,
      swapBytes: memory.swaptotal,
    };
  },
};
