import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './source-tree.ts';

/** Faults that the lint configuration must find: [rule as printed, file, source]. One run of the real linter over all. */
const SEEDS: readonly (readonly [rule: string, path: string, text: string])[] = [
  [
    'typescript(no-floating-promises)',
    'packages/agent/src/floating.ts',
    'async function go(): Promise<number> { return 1; }\nexport function a(): void { go(); }',
  ],
  [
    'typescript(no-misused-promises)',
    'packages/agent/src/misused.ts',
    'export const a = (xs: number[]): void => { xs.forEach(async () => { await Promise.resolve(); }); };',
  ],
  [
    'typescript(switch-exhaustiveness-check)',
    'packages/agent/src/switch.ts',
    "export function b(k: 'x' | 'y'): number { switch (k) { case 'x': return 1; } return 2; }",
  ],
  ['typescript(no-explicit-any)', 'packages/agent/src/any.ts', 'export const e: any = 1;'],
  [
    'typescript(no-unsafe-assignment)',
    'packages/agent/src/unsafe.ts',
    "export const e: { a: number } = JSON.parse('{}');",
  ],
  [
    'typescript(no-non-null-assertion)',
    'packages/agent/src/bang.ts',
    'export const f = (x: number | null): number => x!;',
  ],
  ['typescript(only-throw-error)', 'packages/agent/src/throw.ts', "export const f = (): never => { throw 'text'; };"],
  [
    'eslint(no-empty)',
    'packages/agent/src/empty.ts',
    'export function c(): void { try { JSON.stringify(1); } catch {} }',
  ],
  ['eslint(no-console)', 'packages/controller/src/print.ts', "console.log('x');\nexport {};"],
  ['eslint(eqeqeq)', 'packages/agent/src/equal.ts', 'export const f = (x: unknown): boolean => x == 1;'],
  ['eslint(no-restricted-properties)', 'packages/shared/src/now.ts', 'export const f = (): number => Date.now();'],
  [
    'eslint(no-restricted-properties)',
    'packages/controller/src/random.ts',
    'export const f = (): number => Math.random();',
  ],
  [
    'eslint(no-restricted-globals)',
    'packages/shared/src/timer.ts',
    'export const f = (): unknown => setTimeout(() => 1, 1);',
  ],
  ['eslint(no-restricted-globals)', 'packages/shared/src/process.ts', 'export const f = (): unknown => process.env;'],
  ['eslint(max-lines)', 'packages/agent/src/long.ts', 'export const x = [\n' + '  1,\n'.repeat(400) + '];'],
  [
    'eslint(max-lines-per-function)',
    'packages/agent/src/long-function.ts',
    'export function f(): void {\n' + '  JSON.stringify(1);\n'.repeat(80) + '}',
  ],
  [
    'import(no-cycle)',
    'packages/agent/src/cycle-a.ts',
    "import { b } from './cycle-b.ts';\nexport const a = (): number => b;",
  ],
  [
    'react(hooks)',
    'packages/ui/src/hook.tsx',
    "import { useState } from 'react';\nexport function F({ x }: { x: boolean }): number { if (x) useState(1); return 1; }",
  ],
  ['jsx-a11y(alt-text)', 'packages/ui/src/image.tsx', "export const F = (): unknown => <img src='x.png' />;"],
];
const PARTNER = "import { a } from './cycle-a.ts';\nexport const b = a();";

interface Report {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
}

describe('the lint configuration finds a seeded', () => {
  let folder = '';
  let report: Report = { diagnostics: [] };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hauban-lint-'));
    // The linter finds its type-aware half in node_modules of the folder that it runs in.
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await copyFile(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    const options = {
      strict: true,
      module: 'nodenext',
      target: 'es2023',
      jsx: 'preserve',
      noEmit: true,
      allowImportingTsExtensions: true,
      types: [],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['packages'] }));
    for (const [, path, text] of [...SEEDS, ['', 'packages/agent/src/cycle-b.ts', PARTNER]] as const) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), `${text}\n`);
    }
    const args = [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '--type-aware', '-f', 'json', '.'];
    const output = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 24 }, (_error, stdout, stderr) => {
        if (stdout.startsWith('{')) resolve(stdout);
        else reject(new Error(`oxlint did not run: ${stdout}${stderr}`));
      });
    });
    report = JSON.parse(output) as Report;
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.each(SEEDS)('%s in %s', (rule, path) => {
    const found = report.diagnostics.filter(({ filename }) => filename === path).map(({ code }) => code);
    expect(found).toContain(rule);
  });
});
