import { SAID, SWITCH } from './instrument.ts';
import type { Removed } from './scan-checks.ts';

/**
 * What the instrumented program asks at each check, by the check's number: is it switched off? At most one is. Every
 * question and every answer is noted, so that a first run shows which test can miss which check.
 */
export interface Switchboard {
  /** The check that is switched off; null: the program as it is. */
  off: number | null;
  /** Numbers of the checks that were asked for since this set was put in. */
  reached: Set<number>;
  /** Of these, the ones that said something else than what would stand in their place: only there a test can see a difference. */
  decisive: Set<number>;
}

/** A guard throws or says nothing, so it is told of before it is called. What is no mere yes or no is missed in any case. */
export function isDecisive(said: unknown, removed: Removed): boolean {
  if (removed === 'true' || removed === 'false')
    return (typeof said === 'object' && said !== null) || Boolean(said) !== (removed === 'true');
  return removed === 'undefined' || said !== null;
}

export function createSwitchboard(): Switchboard {
  const board: Switchboard = { off: null, reached: new Set(), decisive: new Set() };
  const isOff = (number: number): boolean => {
    board.reached.add(number);
    return board.off === number;
  };
  const said = (number: number, removed: Removed, value: unknown): unknown => {
    if (isDecisive(value, removed)) board.decisive.add(number);
    return value;
  };
  Object.defineProperty(globalThis, SWITCH, { value: isOff, configurable: true });
  Object.defineProperty(globalThis, SAID, { value: said, configurable: true });
  return board;
}
