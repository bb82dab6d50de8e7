import { parseArgs } from 'node:util';
import { HaubanError } from '@hauban/shared/errors';

/** How long nodes take the old key as well, in milliseconds; a day unless it is said. */
export function parseOverlap(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: { 'overlap-hours': { type: 'string' } } });
  const hours = Number(values['overlap-hours'] ?? '24');
  if (!(hours >= 0 && hours <= 720))
    throw new HaubanError('BAD_REQUEST', '--overlap-hours must be a number from 0 to 720.');
  return Math.round(hours * 3_600_000);
}
