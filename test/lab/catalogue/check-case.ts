import { ACTIONS, isLasting, type Change } from '@hauban/shared/actions';
import { SeededRandom } from '@hauban/shared/testing';
import { compareWithPlan } from './claims.ts';
import type { MachineState } from './machine-state.ts';
import type { Death, OrderAnswer, OrderRequest } from './order-driver.ts';
import type { Family, Scenario, Stand } from './scenario.ts';

/** What a case looks at: the columns of the table. */
export const PROOFS = ['plan', 'twice', 'undo', 'verify', 'kill'] as const;
export type Proof = (typeof PROOFS)[number];

export interface CaseWish {
  readonly seed: number;
  readonly proofs: ReadonlySet<Proof>;
  /** Which one of how many cases of the action this is: together they are killed after each step of its plan. */
  readonly turn: { readonly index: number; readonly of: number };
  /** At most so many deaths in one case. */
  readonly mostDeaths: number;
}

export interface CaseReport {
  readonly action: string;
  readonly seed: number;
  readonly done: readonly Proof[];
  readonly problems: readonly { readonly proof: Proof | 'arrange' | 'left'; readonly problem: string }[];
  readonly steps: number;
  /** Steps after which, or within which, it was killed. */
  readonly killedAt: readonly number[];
  readonly slowestSettleMs: number;
  readonly tookMs: number;
}

type Names = CaseReport['problems'][number]['proof'];

/** One action with arguments of one seed on a stand that is as it was stood up, and is so again afterwards. */
class Case {
  readonly #family: Family;
  readonly #scenario: Scenario<Stand>;
  readonly #stand: Stand;
  readonly #wish: CaseWish;
  readonly #problems: { proof: Names; problem: string }[] = [];
  readonly #done: Proof[] = [];
  readonly #killedAt: number[] = [];
  #takeBack: (() => Promise<unknown>)[] = [];
  #args: object = {};
  #steps = 0;
  #slowestSettleMs = 0;

  constructor(family: Family, scenario: Scenario<Stand>, stand: Stand, wish: CaseWish) {
    this.#family = family;
    this.#scenario = scenario;
    this.#stand = stand;
    this.#wish = wish;
  }

  async run(base: MachineState): Promise<CaseReport> {
    const startedMs = performance.now();
    const { ownProof } = this.#scenario;
    if (ownProof === undefined) await this.#prove(base);
    else {
      for (const problem of await ownProof(this.#stand)) this.#fail('plan', problem);
      for (const proof of ['plan', 'twice', 'kill'] as const) this.#mark(proof);
    }
    return {
      action: this.#scenario.action,
      seed: this.#wish.seed,
      done: this.#done,
      problems: this.#problems,
      steps: this.#steps,
      killedAt: this.#killedAt,
      slowestSettleMs: this.#slowestSettleMs,
      tookMs: performance.now() - startedMs,
    };
  }

  async #prove(base: MachineState): Promise<void> {
    try {
      await this.#arrange();
      if (ACTIONS.get(this.#scenario.action)?.readOnly === true) await this.#reading();
      else await (this.#scenario.stays === undefined ? this.#undoable() : this.#staying());
    } catch (error) {
      this.#fail('arrange', (error as Error).message);
    }
    await this.#clear();
    const now = await this.#look();
    const left = this.#notAnew(this.#stand.machine.differences(base, now), now);
    if (left.length > 0) this.#fail('left', `not as before the case: ${this.#some(left)}`);
  }

  async #reading(): Promise<void> {
    const before = await this.#look();
    const { result, changes } = await this.#ask({});
    this.#expect('plan', result, 'succeeded', null);
    if (changes?.length !== 0) this.#fail('plan', 'an action that only reads has begun changes');
    await this.#expectSame('plan', before, 'after an action that only reads');
  }

  async #undoable(): Promise<void> {
    const before = await this.#look();
    const changes = await this.#apply(before);
    if (changes === null) return;
    const after = await this.#look();
    this.#compare(before, after, changes);
    await this.#undo(changes, before);
    if (this.#wants('verify')) {
      const { result } = await this.#ask({ breaksVerify: true });
      this.#expect('verify', result, 'failed', 'VERIFY_FAILED');
      await this.#expectUndone('verify', before, 'after a verify that failed');
    }
    if (!this.#wants('kill')) return;
    for (const death of this.#deaths(changes.length)) {
      const settled = await this.#dieAndSettle(death);
      if (settled?.result.outcome === 'succeeded') {
        await this.#expectSame('kill', after, `${words(death)} and settled as done`, 'anew');
        await this.#undo(settled.changes ?? [], before, 'kill');
      } else {
        if (settled !== null) this.#expect('kill', settled.result, 'failed', 'ORDER_INTERRUPTED');
        await this.#expectUndone('kill', before, `${words(death)} and settled as undone`);
      }
    }
  }

  /** Nobody takes it back: each look needs a new arrangement, and after a death each single thing is before or after. */
  async #staying(): Promise<void> {
    let before = await this.#look();
    const changes = await this.#apply(before);
    if (changes === null) return;
    const after = await this.#look();
    this.#compare(before, after, changes);
    if (this.#wants('undo')) {
      const { result } = await this.#ask({ do: 'undo', changes });
      if (result.outcome === 'succeeded' && changes.some(isLasting))
        this.#fail('undo', 'an undo says that it succeeded');
      await this.#expectSame('undo', after, 'after an undo that can not be');
    }
    if (this.#wants('verify')) {
      before = await this.#again();
      const { result } = await this.#ask({ breaksVerify: true });
      if (!['undetermined', 'failed'].includes(result.outcome)) this.#fail('verify', `it ended as ${result.outcome}`);
      await this.#expectEither('verify', before, after);
      this.#mark('verify');
    }
    if (!this.#wants('kill')) return;
    for (const death of this.#deaths(changes.length)) {
      before = await this.#again();
      await this.#dieAndSettle(death);
      await this.#expectEither('kill', before, after);
    }
  }

  /** The plan, what it says done, and once more; null when there is nothing to look at. */
  async #apply(before: MachineState): Promise<readonly Change[] | null> {
    const planned = await this.#ask({ do: 'plan' });
    const hash = planned.result.plan?.hash;
    if (planned.result.outcome !== 'succeeded' || hash === undefined) {
      this.#fail('arrange', `the plan is ${planned.result.outcome}: ${planned.result.detail}`);
      return null;
    }
    await this.#expectSame('plan', before, 'after the plan alone');
    const { result, changes } = await this.#ask({ planHash: hash });
    this.#steps = changes?.length ?? 0;
    if (result.outcome !== 'succeeded') {
      this.#fail('plan', `applied, it ended as ${result.outcome}: ${result.detail}`);
      return null;
    }
    if (this.#wants('twice')) {
      const again = await this.#ask({});
      const wanted = this.#scenario.eachTime === undefined ? 'unchanged' : 'succeeded';
      this.#expect('twice', again.result, wanted, null);
    }
    return changes ?? [];
  }

  #compare(before: MachineState, after: MachineState, changes: readonly Change[]): void {
    const { machine } = this.#stand;
    const excused = this.#scenario.alsoChanges ?? [];
    for (const problem of compareWithPlan(machine, [before, after], changes, this.#family, excused))
      this.#fail('plan', problem);
    this.#mark('plan');
  }

  async #undo(changes: readonly Change[], before: MachineState, proof: Proof = 'undo'): Promise<void> {
    const { result } = await this.#ask({ do: 'undo', changes });
    this.#expect(proof, result, 'succeeded', null);
    await this.#expectUndone(proof, before, 'after the undo');
  }

  /** As before, but for what the action's docs say that an undo keeps. */
  async #expectUndone(proof: Proof, before: MachineState, when: string): Promise<void> {
    await this.#scenario.undoKeeps?.remove(this.#stand, this.#args);
    await this.#expectSame(proof, before, when);
  }

  async #dieAndSettle(death: Death): Promise<OrderAnswer | null> {
    const died = await this.#stand.orders.send({ ...this.#request({}), dies: death });
    if (died !== null) {
      this.#fail('kill', `it was to die ${words(death)}, and answered ${died.result.outcome}: ${died.result.detail}`);
      return null;
    }
    this.#killedAt.push(death.step);
    const settled = await this.#ask({ do: 'recover' });
    this.#slowestSettleMs = Math.max(this.#slowestSettleMs, settled.tookMs);
    if (settled.result.outcome === 'undetermined' && this.#scenario.stays === undefined)
      this.#fail('kill', `${words(death)}: ${settled.result.detail}`);
    this.#mark('kill');
    return settled;
  }

  /**
   * Which steps: the cases of an action share them out, each with its own last one too, because arguments make plans of
   * different lengths. More cases than steps die within a step every second time round.
   */
  #deaths(steps: number): readonly Death[] {
    const random = new SeededRandom(this.#wish.seed ^ 0x5eed);
    const { turn: mine, mostDeaths } = this.#wish;
    const own =
      mine.of >= steps
        ? [mine.index % steps]
        : Array.from({ length: steps }, (_, at) => at).filter((at) => at % mine.of === mine.index || at === steps - 1);
    const isWithin = mostDeaths > 1 && Math.floor(mine.index / steps) % 2 === 1;
    return own
      .slice(0, mostDeaths)
      .map((step) => ({ step, when: isWithin ? 'during' : 'after', delayMs: random.below(25) }));
  }

  async #arrange(): Promise<void> {
    const stand = this.#stand;
    this.#args = await this.#scenario.arrange({
      stand,
      random: new SeededRandom(this.#wish.seed),
      first: async (action, args) => {
        const { result, changes } = await stand.orders.ask({ do: 'apply', action, args });
        if (result.outcome !== 'succeeded') throw new Error(`${action} before the case: ${result.detail}`);
        this.#takeBack.push(async () => {
          const undone = await stand.orders.ask({ do: 'undo', action, args, changes: changes ?? [] });
          if (undone.result.outcome !== 'succeeded')
            throw new Error(`${action} after the case: ${undone.result.detail}`);
        });
      },
      atEnd: (work) => void this.#takeBack.push(work),
    });
  }

  async #clear(): Promise<void> {
    const work = this.#takeBack.toReversed();
    this.#takeBack = [];
    for (const each of work) await each().catch((error: unknown) => this.#fail('left', (error as Error).message));
  }

  async #again(): Promise<MachineState> {
    await this.#clear();
    await this.#arrange();
    return this.#look();
  }

  #request(more: Partial<OrderRequest>): OrderRequest {
    return { do: 'apply', action: this.#scenario.action, args: this.#args, ...more };
  }

  #ask(more: Partial<OrderRequest>): Promise<OrderAnswer> {
    return this.#stand.orders.ask(this.#request(more));
  }

  #look(): Promise<MachineState> {
    return this.#stand.machine.read();
  }

  #wants(proof: Proof): boolean {
    return this.#wish.proofs.has(proof);
  }

  #mark(proof: Proof): void {
    if (!this.#done.includes(proof)) this.#done.push(proof);
  }

  #fail(proof: Names, problem: string): void {
    this.#problems.push({ proof, problem });
  }

  #expect(proof: Proof, result: OrderAnswer['result'], outcome: string, code: string | null): void {
    this.#mark(proof);
    if (result.outcome !== outcome || (code !== null && result.code !== code))
      this.#fail(proof, `it ended as ${result.outcome} (${result.code ?? '-'}), not ${outcome}: ${result.detail}`);
  }

  async #expectSame(proof: Proof, wanted: MachineState, when: string, how: 'same' | 'anew' = 'same'): Promise<void> {
    const now = await this.#look();
    const differing = this.#stand.machine.differences(wanted, now);
    const names = how === 'anew' ? this.#notAnew(differing, now) : differing;
    if (names.length > 0) this.#fail(proof, `${when} the machine differs: ${this.#some(names)}`);
  }

  async #expectEither(proof: Proof, before: MachineState, after: MachineState): Promise<void> {
    const { machine } = this.#stand;
    const now = await this.#look();
    const between = this.#notAnew(machine.differences(before, now), now).filter(
      (name) => machine.valueIn(now, name) !== machine.valueIn(after, name),
    );
    if (between.length > 0) this.#fail(proof, `neither before nor after: ${this.#some(between)}`);
  }

  /** Without what is there, and another thing each time. */
  #notAnew(names: readonly string[], now: MachineState): readonly string[] {
    const anew = this.#scenario.alwaysNew ?? [];
    return names.filter((name) => !(now.has(name) && anew.some((one) => one.names.test(name))));
  }

  #some(names: readonly string[]): string {
    return `${names.slice(0, 6).join(', ')}${names.length > 6 ? ` and ${names.length - 6} more` : ''}`;
  }
}

const words = ({ step, when }: Death): string => `killed ${when} step ${step + 1}`;

export function checkCase(
  family: Family,
  scenario: Scenario<Stand>,
  stand: Stand,
  { base, ...wish }: CaseWish & { readonly base: MachineState },
): Promise<CaseReport> {
  return new Case(family, scenario, stand, wish).run(base);
}
