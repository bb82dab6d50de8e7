import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPackage, type PackageFacts } from './packages.ts';
import { ROOT } from './source-tree.ts';

const read = (path: string): unknown => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

function loadFacts(name: string): PackageFacts {
  const tsconfig = read(`packages/${name}/tsconfig.json`) as {
    readonly compilerOptions: PackageFacts['compiler'];
    readonly references: PackageFacts['references'];
  };
  return {
    name,
    manifest: read(`packages/${name}/package.json`) as PackageFacts['manifest'],
    compiler: tsconfig.compilerOptions,
    references: tsconfig.references,
  };
}

const packages = readdirSync(join(ROOT, 'packages'));

describe('packages are sealed', () => {
  it.each(packages)('%s', (name) => {
    expect(checkPackage(loadFacts(name))).toEqual([]);
  });

  it('the strict flags are on for all of them', () => {
    const { compilerOptions } = read('tsconfig.base.json') as {
      readonly compilerOptions: Readonly<Record<string, unknown>>;
    };
    const wanted = [
      'strict',
      'exactOptionalPropertyTypes',
      'noUncheckedIndexedAccess',
      'noImplicitOverride',
      'noImplicitReturns',
      'noFallthroughCasesInSwitch',
      'noPropertyAccessFromIndexSignature',
      'noUnusedLocals',
      'noUnusedParameters',
      'verbatimModuleSyntax',
      'erasableSyntaxOnly',
      'isolatedModules',
    ];
    expect(wanted.filter((flag) => compilerOptions[flag] !== true)).toEqual([]);
    expect(compilerOptions['types']).toEqual([]);
    const loosened = packages.flatMap((name) =>
      Object.entries(loadFacts(name).compiler).filter(
        ([flag, value]) => wanted.includes(flag) && String(value) !== 'true',
      ),
    );
    expect(loosened).toEqual([]);
  });
});

describe('a seeded breach is found', () => {
  const cli = loadFacts('cli');
  const shared = loadFacts('shared');
  it.each<[string, PackageFacts, RegExp]>([
    [
      'a program that wants another',
      {
        ...cli,
        manifest: { ...cli.manifest, dependencies: { '@hauban/shared': '*', '@hauban/controller': '*' } },
        references: [{ path: '../shared' }, { path: '../controller' }],
      },
      /may not want controller/,
    ],
    [
      'a program that exports',
      { ...cli, manifest: { ...cli.manifest, exports: { '.': './src/main.ts' } } },
      /exports \./,
    ],
    [
      'a program without exports field: everything is open',
      {
        ...cli,
        manifest: { name: '@hauban/cli', private: true, type: 'module', dependencies: { '@hauban/shared': '*' } },
      },
      /exports \./,
    ],
    [
      'a library that exports everything',
      { ...shared, manifest: { ...shared.manifest, exports: { './*': './src/*.ts' } } },
      /name each entry/,
    ],
    ['node types in shared', { ...shared, compiler: { ...shared.compiler, types: ['node'] } }, /shared is pure/],
    ['the DOM in shared', { ...shared, compiler: { ...shared.compiler, lib: ['es2023', 'dom'] } }, /shared is pure/],
    ['no rootDir', { ...cli, compiler: {} }, /rootDir/],
    ['a reference that is missing', { ...cli, references: [] }, /no reference to shared/],
    ['a package that nobody knows', { ...cli, name: 'plugins' }, /not in MAY_WANT/],
  ])('%s', (_what, facts, says) => {
    const found = checkPackage(facts);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(says);
  });
});
