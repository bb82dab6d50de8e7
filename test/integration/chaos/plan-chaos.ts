import { SeededRandom } from '@hauban/shared/testing';

/** What is killed with kill -9 in the middle of an action and of a shell. */
export const TARGETS = ['link', 'executor', 'controller', 'postgres'] as const;
export type Target = (typeof TARGETS)[number];

export const ACTIONS = ['firewall.ban', 'account.create', 'php.switch-version', 'firewall.unban'] as const;
export type ChaosAction = (typeof ACTIONS)[number];

/** One kill: `moment` is the part of the action's usual time (measured in the same run) after which it comes. */
export interface ChaosCase {
  readonly target: Target;
  readonly action: ChaosAction;
  readonly moment: number;
}

/** One kill of each target in an order of its own, during one shell. */
export type ChaosRound = readonly ChaosCase[];

export interface ChaosPlan {
  readonly seed: number;
  readonly rounds: readonly ChaosRound[];
}

const IN_TURN: readonly (readonly Target[])[] = [['controller', 'link'], ['postgres'], ['executor']];
/** Beyond the end of the action too: the receipt is still on its way then. */
const LATEST_MOMENT = 1.3;

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

/**
 * `kills` of each target. Every target meets every action in rotation. The targets take turns in any order, but the link
 * process follows the controller: a node that has lost link after link waits ever longer before it comes back (rule
 * LIFE5), and a new link process begins with short waits.
 */
export function planChaos(seed: number, kills: number): ChaosPlan {
  const random = new SeededRandom(seed);
  const rounds = Array.from({ length: kills }, (_unused, round) =>
    shuffled(IN_TURN, random)
      .flat()
      .map((target): ChaosCase => {
        const action = ACTIONS[(round + TARGETS.indexOf(target)) % ACTIONS.length] ?? 'firewall.ban';
        return { target, action, moment: Number((random.unit() * LATEST_MOMENT).toFixed(3)) };
      }),
  );
  return { seed, rounds };
}
