import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';

/** The programs that this one starts, by path: packages never import each other. */
export interface Entries {
  readonly controller: string;
  readonly agent: string;
  readonly uiDir: string;
}

export function findEntries(home: string): Entries {
  const entries = {
    controller: join(home, 'packages/controller/dist/main.js'),
    agent: join(home, 'packages/agent/dist/bundle/main.js'),
    uiDir: join(home, 'packages/ui/dist/web'),
  };
  for (const path of Object.values(entries)) {
    if (!existsSync(path)) throw new HaubanError('CONFIG_BAD', `${path} is not built: run "npm run build".`);
  }
  return entries;
}
