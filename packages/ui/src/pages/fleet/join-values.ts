import type { JoinTokenRequest, Role } from '@hauban/shared/api';
import { parseLabels } from '../../parts/label-lines.ts';
import { texts } from '../../texts/index.ts';

export interface JoinFormValues {
  readonly hostName: string;
  readonly roles: readonly Role[];
  readonly labels: string;
  readonly uses: string;
  readonly minutes: string;
}

export const EMPTY_JOIN: JoinFormValues = { hostName: '', roles: [], labels: '', uses: '1', minutes: '15' };
/** As `JoinTokenRequest` of the contract. */
const JOIN_LIMITS = { uses: [1, 1000], minutes: [1, 10_080] } as const;

type Parsed =
  | { readonly ok: true; readonly request: JoinTokenRequest }
  | { readonly ok: false; readonly problems: Readonly<Record<string, string>> };

export function parseJoin(values: JoinFormValues): Parsed {
  const problems: Record<string, string> = {};
  const whole = (name: 'uses' | 'minutes'): number => {
    const [min, max] = JOIN_LIMITS[name];
    const value = /^\d{1,6}$/.test(values[name].trim()) ? Number(values[name]) : Number.NaN;
    if (!(value >= min && value <= max)) problems[name] = texts.join.range(min, max);
    return value;
  };
  const uses = whole('uses');
  const minutes = whole('minutes');
  const labels = parseLabels(values.labels);
  if (!labels.ok) problems['labels'] = labels.problem;
  if (Object.keys(problems).length > 0 || !labels.ok) return { ok: false, problems };
  const hostName = values.hostName.trim();
  return {
    ok: true,
    request: {
      uses,
      minutes,
      labels: labels.labels,
      roles: [...values.roles],
      ...(hostName === '' ? {} : { hostName }),
    },
  };
}
