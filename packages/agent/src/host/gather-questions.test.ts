import { describe, expect, it } from 'vitest';
import { gatherQuestions } from './gather-questions.ts';

describe('questions of one moment', () => {
  it('are asked as one, each key once, and each gets its own answer', async () => {
    const asked: (readonly string[])[] = [];
    const question = gatherQuestions<number>((keys) => {
      asked.push(keys);
      return Promise.resolve(new Map(keys.filter((key) => key !== 'none').map((key) => [key, Number(key)])));
    });
    expect(await Promise.all(['1', '2', 'none', '1'].map(question))).toEqual([1, 2, null, 1]);
    expect(asked).toEqual([['1', '2', 'none']]);
  });

  it('are asked anew the next time: nothing is remembered', async () => {
    let value = 1;
    const question = gatherQuestions<number>((keys) => Promise.resolve(new Map(keys.map((key) => [key, value]))));
    expect(await question('a')).toBe(1);
    value = 2;
    expect(await question('a')).toBe(2);
  });

  it('that are very many are asked in parts', async () => {
    const sizes: number[] = [];
    const question = gatherQuestions<string>((keys) => {
      sizes.push(keys.length);
      return Promise.resolve(new Map(keys.map((key) => [key, key])));
    });
    const keys = Array.from({ length: 1200 }, (_, at) => `k${at}`);
    expect(await Promise.all(keys.map(question))).toEqual(keys);
    expect(sizes).toEqual([500, 500, 200]);
  });

  it('all fail when the one fails', async () => {
    const question = gatherQuestions<string>(() => Promise.reject(new Error('gone')));
    const ended = await Promise.allSettled(['a', 'b'].map(question));
    expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
