import { UID_RANGE } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';

/** Checked again here, where the power is: names and numbers come from orders and journals. */

const NAME = /^[a-z][a-z0-9]{2,15}$/;

export const isName = (name: string): boolean => NAME.test(name);

export function checkName(name: string): string {
  if (!isName(name))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(name.slice(0, 40))} is no name of an account`);
  return name;
}

export function checkUid(uid: number): number {
  if (!Number.isInteger(uid) || uid < UID_RANGE.first || uid > UID_RANGE.last)
    throw new HaubanError('ACTION_REFUSED', `${String(uid).slice(0, 20)} is no uid of a hosting account`);
  return uid;
}
