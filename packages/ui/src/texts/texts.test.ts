import { describe, expect, it } from 'vitest';
import { texts } from './index.ts';

/** Every text of the catalogue by its path; a text with holes is called with sample values. */
function leaves(value: unknown, path: readonly string[] = []): [path: string, text: unknown][] {
  if (typeof value === 'function') {
    const sample = Array.from({ length: value.length }, (_, at) => at + 2);
    return [[path.join('.'), (value as (...args: unknown[]) => unknown)(...sample)]];
  }
  if (typeof value !== 'object' || value === null) return [[path.join('.'), value]];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
}

const sources = import.meta.glob<string>(['../**/*.{ts,tsx}', '!../**/*.test.*', '!../texts/**'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Paths of the catalogue that a source reads: whole chains, through names given to parts of it. */
function usedPaths(source: string): string[] {
  const names = new Map([['texts', '']]);
  const found: string[] = [];
  const rest = source
    .replaceAll(/const (\w+) = texts\.([\w.]+);/g, (_, name: string, path: string) => {
      names.set(name, `${path}.`);
      return '';
    })
    .replaceAll(/const \{([^}]+)\} = texts\.([\w.]+);/g, (_, keys: string, path: string) => {
      for (const key of keys.split(',')) found.push(`${path}.${key.trim()}`);
      return '';
    });
  for (const [, name = '', path = ''] of rest.matchAll(/(?<![.\w])(\w+)\.([a-zA-Z]\w*(?:\.[a-zA-Z]\w*)*)/g)) {
    const prefix = names.get(name);
    if (prefix !== undefined) found.push(prefix + path);
  }
  return found;
}

describe('the catalogue', () => {
  it('has a text at every key', () => {
    const all = leaves(texts);
    expect(all.length).toBeGreaterThan(300);
    for (const [path, text] of all)
      expect(text, path).toSatisfy((each) => typeof each === 'string' && each.trim() !== '');
  });

  it('fills every hole', () => {
    for (const [path, text] of leaves(texts)) expect(text, path).not.toMatch(/undefined|NaN|\[object/);
  });

  it('says one as one', () => {
    expect(texts.fleet.count(1, 1)).toBe('1 node');
    expect(texts.fleet.count(2, 2)).toBe('2 nodes');
    expect(texts.plan.changes(1)).toBe('1 change');
  });

  it('has no key that no page uses', () => {
    const used = Object.values(sources).flatMap(usedPaths);
    const isUsed = (path: string): boolean => used.some((each) => path === each || path.startsWith(`${each}.`));
    expect(
      leaves(texts)
        .map(([path]) => path)
        .filter((path) => !isUsed(path)),
    ).toEqual([]);
  });

  it('would be caught with a key that no page uses', () => {
    expect(
      usedPaths('const t = texts.fleet;\nshow(t.title, texts.words.copy);\nconst { rows } = texts.keyHelp;'),
    ).toEqual(['keyHelp.rows', 'fleet.title', 'words.copy']);
  });
});
