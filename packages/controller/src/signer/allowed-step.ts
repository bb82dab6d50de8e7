import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '@hauban/link';

/**
 * The next link key of the controller is asked for by the controller, which may be taken over: with a key of its own that
 * the nodes go by it would keep them for ever. So the signer signs only the statement whose hash lies in its own folder,
 * where the controller's user cannot write; `hauban-controller rotate-link-key` puts it there, once, as root.
 */
const fileIn = (keyDir: string): string => join(keyDir, 'link-step.allowed');

export const allowLinkStep = (keyDir: string, hash: string): void =>
  writeDurably(fileIn(keyDir), `${hash}\n`, { mode: 0o644 });

export interface AllowedStep {
  /** Hex SHA-256 of the statement; null: none. */
  hash(): string | null;
  /** It was signed, and is allowed no second time. */
  used(): void;
}

export const createAllowedStep = (keyDir: string): AllowedStep => ({
  hash: () => {
    try {
      return readFileSync(fileIn(keyDir), 'utf8').trim();
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    }
  },
  used: () => rmSync(fileIn(keyDir), { force: true }),
});
