import { expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { runBrokenConfigs, type BrokenCase } from './broken-configs.ts';

const lab = labRequirements();
/** `npm run broken-configs -- 1000` is the full size. */
const CASES = Number(process.env['HAUBAN_CASES'] ?? '12');

it.skipIf(!lab.ok)(
  'broken configurations are refused with a reason, and no visitor of the other sites notices',
  async () => {
    const cases: BrokenCase[] = [];
    const load = await runBrokenConfigs({ broken: CASES, seed: 7 }, (found) => cases.push(found));
    const broken = cases.filter(({ verdict }) => verdict.isBroken);
    const sly = broken.filter(({ verdict }) => verdict.passesTest);
    process.stderr.write(
      `lab: ${broken.length} broken configurations of ${cases.length}, ${sly.length} of them pass Apache's test; ${load.requests} requests, longest gap ${Math.round(load.longestGapMs)} ms\n`,
    );
    expect(broken.length).toBeGreaterThanOrEqual(CASES);
    expect(sly.length).toBeGreaterThan(0);
    expect(broken.filter(({ done }) => done.outcome !== 'refused')).toEqual([]);
    expect(broken.filter(({ done }) => done.detail.length < 10)).toEqual([]);
    expect(cases.filter(({ isOtherMaster }) => isOtherMaster)).toEqual([]);
    expect(load.lastFailures).toEqual([]);
  },
);
