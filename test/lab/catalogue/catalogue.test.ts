import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ACTIONS } from '@hauban/shared/actions';
import { afterAll, describe, expect, it } from 'vitest';
import { labRequirements } from '../requirements.ts';
import { planCases, type PlannedCase } from './case-plan.ts';
import { checkCase, type CaseReport } from './check-case.ts';
import { ELSEWHERE, FAMILIES } from './index.ts';
import type { MachineState } from './machine-state.ts';
import { loadReports, tableOf, writeResults } from './result-table.ts';
import type { Family, Stand } from './scenario.ts';

const lab = labRequirements();
const RESULTS = fileURLToPath(new URL('../../../test-results', import.meta.url));
/** How many cases; without it one for each action. */
const SIZE = process.env['HAUBAN_CASES'] === undefined ? null : Number(process.env['HAUBAN_CASES']);
/** Only actions whose names begin with one of these. */
const ONLY = (process.env['HAUBAN_ACTIONS'] ?? '').split(',');
const isAsked = (action: string): boolean => ONLY.some((beginning) => action.startsWith(beginning));
/** No case begins after so many minutes; the next run goes on there. */
const MINUTES = Number(process.env['HAUBAN_MINUTES'] ?? Infinity);
const HOUR_MS = 3_600_000;

/** A stand that is as it was stood up: one that a case has left otherwise is replaced. */
class Ground {
  readonly #family: Family;
  #stand: Stand | null = null;
  #base: MachineState = new Map();

  constructor(family: Family) {
    this.#family = family;
  }

  async run({ scenario, wish }: PlannedCase): Promise<CaseReport> {
    const stand = await this.#ready();
    const report = await checkCase(this.#family, scenario, stand, { ...wish, base: this.#base });
    if (report.problems.length > 0 || scenario.ownProof !== undefined) await this.leave();
    else if (scenario.alwaysNew !== undefined) this.#base = await stand.machine.read();
    return report;
  }

  async leave(): Promise<void> {
    await this.#stand?.destroy();
    this.#stand = null;
  }

  async #ready(): Promise<Stand> {
    if (this.#stand !== null) return this.#stand;
    const stand = await this.#family.stand();
    this.#stand = stand;
    this.#base = await stand.machine.read();
    return stand;
  }
}

describe.skipIf(!lab.ok)('every action, for real', () => {
  const planned = planCases(FAMILIES, SIZE);
  const isAnew = SIZE === null || process.env['HAUBAN_ANEW'] === '1';
  const reports: CaseReport[] = isAnew ? [] : [...loadReports(RESULTS, SIZE)];
  const startedMs = performance.now();
  const isLate = (): boolean => performance.now() - startedMs > MINUTES * 60_000;
  afterAll(() => {
    writeResults(RESULTS, SIZE, reports);
    process.stderr.write(`lab: ${join(RESULTS, 'catalogue.md')}\n${SIZE === null ? '' : tableOf(reports)}`);
  });

  it('each action of the catalogue has a scenario, and each scenario an action', () => {
    const named = FAMILIES.flatMap(({ scenarios }) => scenarios.map(({ action }) => action));
    expect([...named, ...ELSEWHERE.keys()].toSorted()).toEqual([...ACTIONS.keys()].toSorted());
  });

  const casesOf = (family: Family): readonly (readonly [string, readonly PlannedCase[]])[] =>
    planned
      .filter((one) => one[0]?.family === family)
      .map((one) => [one[0]?.scenario.action ?? '', one] as const)
      .filter(([action]) => isAsked(action));

  describe.each(FAMILIES.filter((family) => casesOf(family).length > 0))('$name', (family) => {
    const ground = new Ground(family);
    afterAll(() => ground.leave());

    it.each([...casesOf(family)])('%s', { timeout: HOUR_MS }, async (action, mine) => {
      const isKnown = ({ wish }: PlannedCase): boolean =>
        reports.some((one) => one.action === action && one.seed === wish.seed);
      for (const one of mine.filter((each) => !isKnown(each) && !isLate())) {
        reports.push(await ground.run(one));
        if (SIZE !== null) writeResults(RESULTS, SIZE, reports);
      }
      const broken = reports.filter((one) => one.action === action && one.problems.length > 0);
      expect(broken.flatMap(({ seed, problems }) => problems.map((one) => ({ seed, ...one })))).toEqual([]);
    });
  });

  if (SIZE !== null && ONLY.includes('') && MINUTES === Infinity)
    it('every planned case was made', () => {
      expect(reports).toHaveLength(planned.flat().length);
    });
});
