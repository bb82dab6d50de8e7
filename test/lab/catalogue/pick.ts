import type { SeededRandom } from '@hauban/shared/testing';

/** One of them. */
export function pick<T>(random: SeededRandom, values: readonly T[]): T {
  const value = values[random.below(values.length)];
  if (value === undefined) throw new Error('there is nothing to pick from');
  return value;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Lower-case letters and digits, a letter first. */
export function word(random: SeededRandom, length = 6): string {
  const first = pick(random, [...LETTERS.slice(0, 26)]);
  return first + Array.from({ length: length - 1 }, () => pick(random, [...LETTERS])).join('');
}
