import { expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { quantileMs, quantileOf } from './latency.ts';
import { runSwitches, type SwitchBatch } from './switches.ts';

const lab = labRequirements();
/** `npm run switches -- 10000` is the full size. */
const SWITCHES = Number(process.env['HAUBAN_SWITCHES'] ?? '30');

it.skipIf(!lab.ok)(
  'PHP versions and limits change under load without a wrong answer, and nothing is left behind',
  async () => {
    const batches: SwitchBatch[] = [];
    const plan = { switches: SWITCHES, seed: 7, batch: Math.ceil(SWITCHES / 2), clients: 8, periodMs: 40 };
    await runSwitches(plan, (batch) => batches.push(batch));
    const requests = batches.reduce((sum, { load }) => sum + load.requests, 0);
    const p50 = Math.round(
      quantileOf(
        batches.flatMap(({ tookMs }) => tookMs),
        0.5,
      ),
    );
    const p99 = Math.round(quantileMs(batches.at(-1)?.load.latency['switching'] ?? {}, 0.99));
    process.stderr.write(`lab: ${SWITCHES} switches of ${p50} ms, ${requests} requests (p99 ${p99} ms)\n`);
    expect(batches.flatMap(({ load }) => load.lastFailures)).toEqual([]);
    expect(batches.flatMap(({ load }) => Object.entries(load.failed))).toEqual([]);
    // Apache is not reloaded: it closes no connection.
    expect(batches.reduce((sum, { load }) => sum + load.retried, 0)).toBe(0);
    // All three versions have answered, and enough was asked for a lost request to be seen.
    for (const version of ['7.4', '8.2', '8.4'])
      expect(batches.reduce((sum, { load }) => sum + (load.versions[version] ?? 0), 0)).toBeGreaterThan(0);
    expect(requests).toBeGreaterThan(SWITCHES * 10);
    const [first, last] = [batches[0]?.facts, batches.at(-1)?.facts];
    expect(last?.mounts).toBe(first?.mounts);
    // Idle PHP processes come and go; a switch that left one would leave dozens.
    expect((last?.processes ?? 0) - (first?.processes ?? 0)).toBeLessThan(SWITCHES / 2);
    expect((last?.openFiles ?? 0) - (first?.openFiles ?? 0)).toBeLessThan(5);
  },
);
