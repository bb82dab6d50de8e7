/**
 * Every text that the page shows, in one catalogue. Components write `texts.fleet.title`, never a literal, so that
 * another language is one more file of the same type. May import nothing.
 */
import { en } from './en.ts';

/** The shape of a catalogue: the same keys; texts with a hole are functions. */
type Wide<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Wide<T[K]> };
export type Texts = Wide<typeof en>;

export const texts: Texts = en;
