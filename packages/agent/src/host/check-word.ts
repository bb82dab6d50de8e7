import { HaubanError } from '@hauban/shared/errors';

/** One of a few words, as the types say; from an order or a journal it may be any other. */
export function checkWord<W extends string>(word: W, words: readonly W[]): W {
  if (!words.includes(word))
    throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(word).slice(0, 60)} is none of ${words.join(', ')}`);
  return word;
}
