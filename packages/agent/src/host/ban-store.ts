import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatPrefix, parsePrefix, type BanEntry } from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { syncFolder, writeDurably } from '../store/index.ts';
import type { NeverBan } from './never-ban.ts';
import { errorCode } from './safe-path.ts';

/** What is banned, with absolute times: the kernel's table does not survive a reboot. */
export interface StoredBan extends BanEntry {
  /** Unix ms. */
  readonly since: number;
}

export interface StoredBans {
  readonly bans: readonly StoredBan[];
  /** Who was never banned by policy and link when this was written: at boot neither may be readable yet. */
  readonly never: readonly NeverBan[];
}

export interface BanStore {
  load(): StoredBans;
  save(stored: StoredBans): void;
}

function parseNever(value: unknown): readonly NeverBan[] {
  if (typeof value !== 'object' || value === null) return [];
  const { target, why } = value as Record<string, unknown>;
  const prefix = typeof target === 'string' ? parsePrefix(target) : null;
  return prefix === null || typeof why !== 'string' ? [] : [{ target: formatPrefix(prefix), why }];
}

/** Root's own file; what does not fit is left out rather than trusted. */
function parseBan(value: unknown): readonly StoredBan[] {
  if (typeof value !== 'object' || value === null) return [];
  const { target, expiresAt, reason, since } = value as Record<string, unknown>;
  const prefix = typeof target === 'string' ? parsePrefix(target) : null;
  const isTime = (time: unknown): time is number => Number.isSafeInteger(time);
  if (prefix === null || !isTime(since) || typeof reason !== 'string' || !(expiresAt === null || isTime(expiresAt)))
    return [];
  return [{ target: formatPrefix(prefix), expiresAt, reason, since }];
}

export function createBanStore(stateDirectory: string): BanStore {
  const path = join(stateDirectory, 'bans.json');
  return {
    load() {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return { bans: [], never: [] };
        throw new HaubanError('FILE_FAILED', `${path} can not be read (${errorCode(error) ?? 'unknown'})`, {
          cause: error,
        });
      }
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        throw new HaubanError('FILE_FAILED', `${path} is spoilt: move it away, then the bans in it are lost`, {
          cause: error,
        });
      }
      const { bans, never } = value as { readonly bans?: unknown; readonly never?: unknown };
      return {
        bans: Array.isArray(bans) ? bans.flatMap(parseBan) : [],
        never: Array.isArray(never) ? never.flatMap(parseNever) : [],
      };
    },
    save({ bans, never }) {
      if (bans.length > 0) {
        writeDurably(path, Buffer.from(JSON.stringify({ version: 1, bans, never })), { mode: 0o600, gid: null });
        return;
      }
      rmSync(path, { force: true });
      syncFolder(stateDirectory);
    },
  };
}
