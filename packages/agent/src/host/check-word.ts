import { HaubanError } from '@hauban/shared/errors';

/** One of a few words, as the types say; from an order or a journal it may be any other, or no text at all. */
export function checkWord<W extends string>(word: W, words: readonly W[]): W {
  if (words.includes(word)) return word;
  const said = typeof word === 'string' ? JSON.stringify(word).slice(0, 60) : 'no text';
  throw new HaubanError('ACTION_REFUSED', `${said} is none of ${words.join(', ')}`);
}
