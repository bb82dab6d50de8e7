/** A PostgreSQL of a test's own, for those that kill it. The other tests share one: `createTestDatabase`. */
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../packages/standalone/src/postgres/embedded-postgres.ts';
