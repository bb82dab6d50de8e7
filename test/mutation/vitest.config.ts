import { join, relative } from 'node:path';
import { loadConfigFromFile } from 'vite';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ROOT } from '../arch/source-tree.ts';
import { FOLDER_VARIABLE, placesIn, readJson, type Plan } from './plan.ts';

const sources = readJson(placesIn(process.env[FOLDER_VARIABLE] ?? '').sources) as Readonly<Record<string, string>>;

/** The sources as they were when the checks were listed, each with its switches. */
const switched = {
  name: 'switched-checks',
  enforce: 'pre' as const,
  load: (id: string) => sources[relative(ROOT, id.split('?')[0] ?? id)] ?? null,
};

/** The files in the order of the plan. */
class PlanSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const plan = readJson(placesIn(process.env[FOLDER_VARIABLE] ?? '').plan) as Plan;
    if (plan.is === 'cover') return await super.sort(files);
    const order = Object.keys(plan.todo);
    const placeOf = ({ moduleId }: TestSpecification): number => order.indexOf(relative(ROOT, moduleId));
    return files.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

const loaded = await loadConfigFromFile({ command: 'serve', mode: 'test' }, join(ROOT, 'vitest.config.ts'));
const house = loaded?.config;

type InlineProject = { readonly test: { readonly name: string } };
const isWanted = (project: unknown): project is InlineProject =>
  ['unit', 'controller', 'protocol', 'fuzz'].includes((project as InlineProject).test.name);

/** It kills executors a thousand times; what it asks is asked by the protocol tests as well. */
const LONG = ['test/fuzz/executor-kill.test.ts'];

/** The projects whose tests run the sources, in their own process or in programs that they bundle; the others start built programs. */
export default defineConfig({
  root: ROOT,
  test: {
    ...house?.test,
    sequence: { sequencer: PlanSequencer },
    projects: (house?.test?.projects ?? []).filter(isWanted).map((project) => ({
      ...project,
      root: ROOT,
      plugins: [switched],
      test: { ...project.test, exclude: LONG, runner: join(ROOT, 'test/mutation/switching-runner.ts') },
    })),
  },
});
