import { join } from 'node:path';
import { findRepositoryFolder } from '../lab-folders.ts';
import type { LabPeer } from '../lab-network.ts';
import type { LatencyBuckets } from './latency.ts';
import { createLineDialogue } from './line-dialogue.ts';

/** What came back since the last report. */
export interface LoadReport {
  readonly requests: number;
  /** Sent again because the server had closed the connection that was kept. */
  readonly retried: number;
  /** What was wrong, and how often. */
  readonly failed: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Record<string, number>>;
  /** By phase. */
  readonly latency: Readonly<Record<string, LatencyBuckets>>;
  /** By phase: from one right answer of a site to its next. */
  readonly gaps: Readonly<Record<string, LatencyBuckets>>;
  readonly lastFailures: readonly string[];
}

export interface SiteLoad {
  readonly phase: (name: string) => void;
  /** From now on these PHP versions may answer for that site. */
  readonly allow: (site: string, versions: readonly string[]) => void;
  readonly report: () => Promise<LoadReport>;
  readonly stop: () => Promise<void>;
}

export interface LoadTarget {
  readonly address: string;
  readonly clients: number;
  /** A client sends one request in this time, or the next one when the last is answered. */
  readonly periodMs: number;
  readonly sites: readonly {
    readonly domain: string;
    readonly uid: number;
    readonly version: string;
    readonly path?: string;
    readonly port?: number;
  }[];
}

export async function startSiteLoad(peer: LabPeer, target: LoadTarget): Promise<SiteLoad> {
  const script = join(findRepositoryFolder(), 'test/lab/endurance/site-load.mjs');
  const names = target.sites.map(({ domain, uid, path = '/', port = 80 }) => `${domain}:${uid}:${path}:${port}`);
  const program = await peer.spawn(process.execPath, [
    script,
    target.address,
    String(target.clients),
    String(target.periodMs),
    ...names,
  ]);
  const dialogue = createLineDialogue('the load', program);
  const allow = (site: string, versions: readonly string[]): void => dialogue.tell({ site, versions });
  for (const { domain, version } of target.sites) allow(domain, [version]);
  // What was asked before the versions were known is not counted.
  await dialogue.ask<LoadReport>({ report: true });
  return {
    phase: (phase) => dialogue.tell({ phase }),
    allow,
    report: () => dialogue.ask<LoadReport>({ report: true }),
    stop: dialogue.end,
  };
}
