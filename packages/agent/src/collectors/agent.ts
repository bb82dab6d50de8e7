import { fixedSeries, type Collector } from './collector.ts';

const SERIES = fixedSeries('sys', [
  ['clock_offset_ms', 'level'],
  ['agent_cpu_percent', 'counter'],
  ['agent_rss_bytes', 'level'],
  ['agent_tick_late_ms', 'level'],
  ['agent_tick_cpu_ms', 'level'],
  ['agent_spool_chunks', 'level'],
  ['agent_spool_bytes', 'level'],
  ['agent_spool_dropped', 'level'],
]);

/** What the agent knows of itself. Times in the unit of the name; CPU time since the start of the process, in µs. */
export interface AgentSelf {
  clockOffsetMs(): number;
  cpuUs(): number;
  rssBytes(): number;
  tickLateMs(): number;
  tickCpuMs(): number;
  spool(): { readonly chunks: number; readonly bytes: number; readonly dropped: number };
}

/** The agent's own cost, the state of its spool, and the offset of the clock as the link measured it. */
export function createAgent(self: AgentSelf): Collector {
  return {
    name: 'agent',
    family: 'sys',
    everyTicks: 1,
    isLive: true,
    series: () => SERIES,
    collect: (out) => {
      const spool = self.spool();
      out[0] = self.clockOffsetMs();
      // Growth of µs in a second, in percent of one core.
      out[1] = self.cpuUs() / 10_000;
      out[2] = self.rssBytes();
      out[3] = self.tickLateMs();
      out[4] = self.tickCpuMs();
      out[5] = spool.chunks;
      out[6] = spool.bytes;
      out[7] = spool.dropped;
    },
  };
}
