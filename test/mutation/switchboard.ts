import { SWITCH } from './instrument.ts';

/**
 * What the instrumented program asks at each check, by the check's number: is it switched off? At most one is. Every
 * question is noted, so that a first run shows which test reaches which check.
 */
export interface Switchboard {
  /** The check that is switched off; null: the program as it is. */
  off: number | null;
  /** Numbers of the checks that were asked for since this set was put in. */
  reached: Set<number>;
}

export function createSwitchboard(): Switchboard {
  const board: Switchboard = { off: null, reached: new Set() };
  const isOff = (number: number): boolean => {
    board.reached.add(number);
    return board.off === number;
  };
  Object.defineProperty(globalThis, SWITCH, { value: isOff, configurable: true });
  return board;
}
