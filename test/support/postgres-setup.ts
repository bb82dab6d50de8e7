import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../packages/controller/src/db/migrate.ts';
import { startEmbeddedPostgres } from '../../packages/standalone/src/postgres/embedded-postgres.ts';
import { connectAdmin, TEMPLATE, urlOf } from './postgres-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the server's maintenance database; `createTestDatabase` makes own ones beside it. */
    postgresUrl: string;
  }
}

/** One real PostgreSQL (fsync on) for the whole run, with a template database that holds the current tables. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'hauban-test-pg-'));
  await chmod(folder, 0o711);
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'pg'), maxConnections: 200 });
  const admin = connectAdmin(server.url);
  await admin.unsafe(`CREATE DATABASE ${TEMPLATE}`);
  await migrateDatabase(urlOf(server.url, TEMPLATE));
  await admin.end();
  project.provide('postgresUrl', server.url);
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
