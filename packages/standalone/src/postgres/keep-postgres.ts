import { HaubanError } from '@hauban/shared/errors';
import { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.ts';

export interface KeptPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the embedded PostgreSQL and starts it again when it dies; its own write-ahead log makes kill -9 harmless. */
export async function keepPostgres(
  options: EmbeddedPostgresOptions,
  onGivenUp: (error: HaubanError) => void,
): Promise<KeptPostgres> {
  let current: EmbeddedPostgres | null = await startEmbeddedPostgres(options);
  let isStopping = false;
  const url = current.url;

  const watch = (postgres: EmbeddedPostgres): void => {
    void postgres.exited.then(async () => {
      if (isStopping) return;
      try {
        current = await startEmbeddedPostgres(options);
        watch(current);
      } catch (error) {
        current = null;
        onGivenUp(
          new HaubanError('DATABASE', 'The embedded PostgreSQL died and could not be started again.', { cause: error }),
        );
      }
    });
  };
  watch(current);
  return {
    url,
    stop: async () => {
      isStopping = true;
      await current?.stop();
    },
  };
}
