import { expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { runBrokenConfigs, type BrokenCase } from './broken-configs.ts';
import { addCase, emptyTally, isWrong, tallyText } from './broken-tally.ts';

const lab = labRequirements();
/** `npm run broken-configs -- 1000` is the full size. */
const CASES = Number(process.env['HAUBAN_CASES'] ?? '14');
const SEED = 7;

it.skipIf(!lab.ok)(
  'broken configurations are refused with a reason, and no visitor of the other sites notices',
  async () => {
    const cases: BrokenCase[] = [];
    const failures: string[] = [];
    const tally = emptyTally(CASES, SEED);
    await runBrokenConfigs({ broken: CASES, seed: SEED }, (found, load) => {
      cases.push(found);
      failures.push(...load.lastFailures);
      addCase(tally, found, load, 0);
    });
    process.stderr.write(`lab: ${tallyText(tally)}\n`);
    const broken = cases.filter(({ verdict }) => verdict.isBroken);
    expect(broken.length).toBeGreaterThanOrEqual(CASES);
    for (const server of ['apache', 'nginx', 'php']) expect(broken.map((one) => one.server)).toContain(server);
    expect(broken.some(({ verdict }) => verdict.passesTest)).toBe(true);
    expect(cases.filter(isWrong)).toEqual([]);
    expect(broken.filter(({ done }) => done.detail.length < 10)).toEqual([]);
    expect(failures).toEqual([]);
  },
);
