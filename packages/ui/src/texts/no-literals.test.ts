import { parseSync } from 'vite';
import { describe, expect, it } from 'vitest';

/** Attributes that a reader sees or hears. */
const SPOKEN = new Set([
  'aria-label',
  'title',
  'placeholder',
  'label',
  'description',
  'alt',
  'word',
  'hint',
  'text',
  'lead',
  'verb',
]);
/** Key names stand on the keys; signs are no words. */
const hasWord = (text: string): boolean => /\p{L}{2,}/u.test(text);

interface Tree {
  readonly type: string;
  readonly [field: string]: unknown;
}

function visit(node: unknown, see: (node: Tree) => void): void {
  if (Array.isArray(node)) for (const each of node) visit(each, see);
  else if (typeof node === 'object' && node !== null) {
    if (typeof (node as Partial<Tree>).type === 'string') see(node as Tree);
    for (const value of Object.values(node)) visit(value, see);
  }
}

/** Words that stand in a component instead of in the catalogue. */
function literalsIn(path: string, source: string): string[] {
  const found: string[] = [];
  visit(parseSync(path, source, {}).program, (node) => {
    if (node.type === 'JSXText' && hasWord(String(node['value']))) found.push(String(node['value']).trim());
    if (node.type !== 'JSXAttribute') return;
    const name = (node['name'] as Tree)['name'];
    const value = node['value'] as Tree | null;
    const inner = value?.type === 'JSXExpressionContainer' ? (value['expression'] as Tree) : value;
    if (inner?.type === 'Literal' && SPOKEN.has(String(name)) && hasWord(String(inner['value'])))
      found.push(`${String(name)}=${String(inner['value'])}`);
  });
  return found;
}

const components = import.meta.glob<string>(['../**/*.tsx', '!../**/*.test.tsx'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

describe('components', () => {
  it('show no word that is not in the catalogue', () => {
    const found = Object.entries(components).flatMap(([path, source]) =>
      literalsIn(path, source).map((text) => `${path}: ${text}`),
    );
    expect(Object.keys(components).length).toBeGreaterThan(40);
    expect(found).toEqual([]);
  });

  it('would be caught with one', () => {
    expect(literalsIn('seed.tsx', 'export const X = () => <p title="Hello">Some words {1}</p>;')).toEqual([
      'title=Hello',
      'Some words',
    ]);
  });
});
