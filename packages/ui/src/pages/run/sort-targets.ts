import type { RunTarget } from '@hauban/shared/api';

const ORDER: readonly RunTarget['state'][] = [
  'undetermined',
  'failed',
  'refused',
  'expired',
  'started',
  'delivered',
  'leased',
  'queued',
  'waiting',
  'cancelled',
  'superseded',
  'succeeded',
  'unchanged',
];

/** A state that a person has to look into. */
export const needsLook = (target: RunTarget): boolean => ORDER.indexOf(target.state) < 4;

/** What needs a look first, then what is under way, then by host name. */
export function sortTargets(targets: readonly RunTarget[]): RunTarget[] {
  return [...targets].sort(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.hostName.localeCompare(b.hostName, 'en', { numeric: true }),
  );
}
