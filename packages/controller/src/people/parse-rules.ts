import { AccessRules, type AccessRule } from '@hauban/shared/api';
import { Check } from 'typebox/value';

/** Rules as they are stored: a row that was damaged or written by another hand gives no right. */
export function parseRules(stored: unknown): readonly AccessRule[] {
  return Check(AccessRules, stored) ? stored : [];
}
