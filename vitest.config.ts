import { defineConfig } from 'vitest/config';

// Sources run without a build: the `source` condition of each package's exports points at src/.
const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
};

/** One project per kind of test; `scripts/test.mjs` runs them in this order. */
const project = (name: string, include: string[], more: Record<string, unknown> = {}) => ({
  ...shared,
  test: {
    name,
    include,
    environment: 'node',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A second, which it would be, is nothing on a machine that does other things too.
    expect: { poll: { timeout: 20_000 } },
    server: { deps: { inline: [/@hauban\//] } },
    ...more,
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', ['packages/{shared,link,agent,cli,standalone,ui}/src/**/*.test.{ts,tsx}']),
      project('controller', ['packages/controller/src/**/*.test.ts'], {
        globalSetup: ['test/support/postgres-setup.ts'],
      }),
      project('arch', ['test/arch/**/*.test.ts', 'test/mutation/**/*.test.ts'], { testTimeout: 120_000 }),
      project('protocol', ['test/protocol/**/*.test.ts']),
      project('fuzz', ['test/fuzz/**/*.test.ts'], { testTimeout: 300_000 }),
      project('integration', ['test/integration/**/!(chaos).test.ts'], {
        testTimeout: 120_000,
        fileParallelism: false,
        globalSetup: ['test/support/postgres-setup.ts'],
      }),
      // A few kills of each part; `npm run chaos` does 20.
      project('chaos', ['test/integration/chaos.test.ts', 'test/fleet/**/*.test.ts'], { testTimeout: 120_000 }),
      project('lab', ['test/lab/**/*.test.ts'], { testTimeout: 300_000, hookTimeout: 600_000 }),
      project('ui', ['test/ui/**/*.test.ts'], { testTimeout: 600_000, hookTimeout: 600_000, fileParallelism: false }),
    ],
  },
});
