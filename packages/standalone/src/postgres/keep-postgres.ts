import { setTimeout as sleep } from 'node:timers/promises';
import { HaubanError } from '@hauban/shared/errors';
import { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded-postgres.ts';

export interface KeptPostgres {
  readonly url: string;
  /** Ends it, also one that is just being started again. */
  stop(): Promise<void>;
}

/** A start that fails is tried again after this long, twice this long, ... */
const RETRY_MS = 500;
const MOST_TRIES = 5;

const reasonOf = (error: unknown): string =>
  error instanceof HaubanError ? error.detail : error instanceof Error ? error.message : String(error);

/** Starts the embedded PostgreSQL and starts it again when it dies; its own write-ahead log makes kill -9 harmless. */
export async function keepPostgres(
  options: EmbeddedPostgresOptions,
  onGivenUp: (error: HaubanError) => void,
): Promise<KeptPostgres> {
  let current: EmbeddedPostgres = await startEmbeddedPostgres(options);
  let isStopping = false;
  let restarting: Promise<void> = Promise.resolve();
  const { url } = current;

  const restart = async (): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      if (isStopping) return;
      try {
        current = await startEmbeddedPostgres(options);
        watch(current);
        return;
      } catch (error) {
        if (tries < MOST_TRIES) {
          await sleep(RETRY_MS * tries);
          continue;
        }
        const detail = `The embedded PostgreSQL died and could not be started again: ${reasonOf(error)}`;
        onGivenUp(new HaubanError('DATABASE', detail, { cause: error }));
        return;
      }
    }
  };
  const watch = (postgres: EmbeddedPostgres): void => {
    void postgres.exited.then(() => {
      if (!isStopping) restarting = restart();
    });
  };
  watch(current);
  return {
    url,
    stop: async () => {
      isStopping = true;
      await restarting;
      await current.stop();
    },
  };
}
