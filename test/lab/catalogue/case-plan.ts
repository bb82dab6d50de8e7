import { PROOFS, type CaseWish, type Proof } from './check-case.ts';
import type { Family, Scenario, Stand } from './scenario.ts';

export interface PlannedCase {
  readonly family: Family;
  readonly scenario: Scenario<Stand>;
  readonly wish: CaseWish;
}

/** A number of the words, the same on every machine. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  return hash;
}

/** Without a size each action that is not dear has one case, with the dearer proofs in turn: every second one fails its verify, the others die. */
const smallProofs = (index: number): ReadonlySet<Proof> =>
  new Set(PROOFS.filter((proof) => (index % 2 === 0 ? proof !== 'kill' : proof !== 'verify')));

/**
 * The cases of each action, at least one with a size; `total` null: the small one. Of full size every proof is made in each case, and
 * the deaths of an action's cases go round all its steps.
 */
export function planCases(families: readonly Family[], total: number | null): readonly (readonly PlannedCase[])[] {
  const all = families.flatMap((family) => family.scenarios.map((scenario) => ({ family, scenario })));
  const weights = all.reduce((sum, { scenario }) => sum + (scenario.weight ?? 1), 0);
  const share = Math.max(0, (total ?? 0) - all.length) / weights;
  return all.map(({ family, scenario }, index) => {
    const count = total === null ? Number(scenario.isDear !== true) : 1 + Math.round(share * (scenario.weight ?? 1));
    const seed = hashOf(scenario.action);
    return Array.from({ length: count }, (_, at) => ({
      family,
      scenario,
      wish: {
        seed: (seed + at * 7919) >>> 0,
        proofs: total === null ? smallProofs(index) : new Set(PROOFS),
        turn: total === null ? { index: seed % 64, of: 64 } : { index: at, of: count },
        mostDeaths: total === null ? 1 : 1000,
      },
    }));
  });
}
