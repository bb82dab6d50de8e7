import type { InventorySection } from '@hauban/shared/inventory';
import { LIMITS } from '@hauban/shared/protocol';
import type { Clock, Random, Timer } from '@hauban/shared/time';
import { canonicalJson, sha256Hex, type FrameChannel } from '@hauban/link';
import type { LinkLog } from './link-log.ts';

export interface TakenSection {
  readonly name: string;
  readonly data: unknown;
}

export interface InventoryFeedDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LinkLog;
  /** Takes the inventory in a short-lived child; null: all sections. Rejects when the child fails. */
  takeInventory(sections: readonly string[] | null): Promise<readonly TakenSection[]>;
}

const HOUR_MS = 3_600_000;
/** A fleet must not take its inventory in the same minute. */
const JITTER_MS = 600_000;
/** Files change in bursts: a package that is upgraded touches many. */
const SETTLE_MS = 5_000;
/** What was sent shortly before a link was lost may not have arrived: it is sent again. */
const SURE_AFTER_MS = 60_000;
/**
 * What the watched files can change. What apt would upgrade, the hardware and the disks are not among it, and to ask apt
 * costs more than all of these together: during an import of accounts it was a third of what the node did.
 */
const SECTIONS_OF_FILES = [
  'packages',
  'units',
  'ports',
  'php',
  'sites',
  'accounts',
  'certificates',
] as const satisfies readonly InventorySection[];
/** Other packages: what they say of themselves and what is left to upgrade is another too. */
const SECTIONS_OF_PACKAGES = ['os', 'updates'] as const satisfies readonly InventorySection[];
/** Room for the envelope of a message. */
const MESSAGE_BYTES = LIMITS.bodyBytes - 4096;

interface SentSection {
  readonly hash: string;
  readonly sentAtMs: number;
}

/**
 * Sends the sections of the inventory that changed (rule INV1): at the start, every hour, when configuration files
 * change, and when asked. Runs one child at a time; what is asked meanwhile is done after it, in one more.
 */
export class InventoryFeed {
  readonly #deps: InventoryFeedDeps;
  readonly #sent = new Map<string, SentSection>();
  #channel: FrameChannel | null = null;
  #timer: Timer | null = null;
  #isRunning = false;
  /** Sections wanted next: null when none, 'all', or by name. `isAsked`: send them even if they did not change. */
  #wanted: { readonly sections: 'all' | ReadonlySet<string>; readonly isAsked: boolean } | null = {
    sections: 'all',
    isAsked: false,
  };

  constructor(deps: InventoryFeedDeps) {
    this.#deps = deps;
  }

  linkUp(channel: FrameChannel): void {
    this.#channel = channel;
    if (this.#wanted !== null) this.#runSoon(0);
    else this.#schedule();
  }

  linkDown(): void {
    this.#channel = null;
    this.#cancel();
    const unsureFromMs = this.#deps.clock.monotonicMs() - SURE_AFTER_MS;
    for (const [name, { sentAtMs }] of this.#sent) {
      if (sentAtMs < unsureFromMs) continue;
      this.#sent.delete(name);
      this.#want(new Set([name]), false);
    }
  }

  /** The controller asks (`inventory.refresh`); null: all. */
  refresh(sections: readonly string[] | null): void {
    this.#want(sections === null ? 'all' : new Set(sections), true);
    this.#runSoon(0);
  }

  /** Configuration files changed on disk. */
  filesChanged(): void {
    this.#want(new Set(SECTIONS_OF_FILES), false);
    this.#runSoon(SETTLE_MS);
  }

  stop(): void {
    this.linkDown();
  }

  #want(sections: 'all' | ReadonlySet<string>, isAsked: boolean): void {
    const before = this.#wanted;
    const isAll = sections === 'all' || before?.sections === 'all';
    this.#wanted = {
      sections: isAll ? 'all' : new Set([...(before?.sections ?? []), ...sections]),
      isAsked: isAsked || before?.isAsked === true,
    };
  }

  #schedule(): void {
    this.#cancel();
    const delayMs = HOUR_MS + Math.floor(this.#deps.random.unit() * JITTER_MS);
    this.#timer = this.#deps.clock.after(delayMs, () => {
      this.#want('all', false);
      this.#run();
    });
  }

  #runSoon(delayMs: number): void {
    if (this.#isRunning || this.#channel === null) return;
    this.#cancel();
    this.#timer = this.#deps.clock.after(delayMs, () => this.#run());
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #run(): void {
    const wanted = this.#wanted;
    if (this.#isRunning || this.#channel === null || wanted === null) return;
    this.#isRunning = true;
    this.#wanted = null;
    const sections = wanted.sections === 'all' ? null : [...wanted.sections];
    const { log } = this.#deps;
    this.#deps
      .takeInventory(sections)
      .then(
        (taken) => {
          const hasOthers = this.#hasOtherPackages(taken);
          this.#send(taken, wanted.isAsked);
          if (hasOthers && sections !== null) this.#want(new Set(SECTIONS_OF_PACKAGES), false);
        },
        (error: unknown) => {
          if (this.#channel !== null)
            log.warn({ err: error }, 'the inventory cannot be taken; the next hour tries again');
        },
      )
      .finally(() => {
        this.#isRunning = false;
        // Without a link, or after `stop`, nothing may keep the process: `linkUp` goes on.
        if (this.#channel === null) return;
        if (this.#wanted === null) this.#schedule();
        else this.#runSoon(SETTLE_MS);
      });
  }

  #hasOtherPackages(taken: readonly TakenSection[]): boolean {
    const [found, sent] = [taken.find(({ name }) => name === 'packages'), this.#sent.get('packages')];
    return found !== undefined && sent !== undefined && sha256Hex(canonicalJson(found.data)) !== sent.hash;
  }

  #send(taken: readonly TakenSection[], isAsked: boolean): void {
    const channel = this.#channel;
    if (channel === null) {
      this.#want(new Set(taken.map(({ name }) => name)), isAsked);
      return;
    }
    let batch: { name: string; hash: string; data: unknown }[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (batch.length > 0) channel.sendControl({ t: 'inventory', takenAt: this.#deps.clock.nowMs(), sections: batch });
      batch = [];
      bytes = 0;
    };
    for (const { name, data } of taken) {
      const text = canonicalJson(data);
      const hash = sha256Hex(text);
      const size = Buffer.byteLength(text) + 200;
      if (!isAsked && this.#sent.get(name)?.hash === hash) continue;
      if (size > MESSAGE_BYTES) {
        this.#deps.log.warn({ name, size }, 'a section of the inventory is too large and is not sent');
        continue;
      }
      if (bytes + size > MESSAGE_BYTES) flush();
      batch.push({ name, hash, data });
      bytes += size;
      this.#sent.set(name, { hash, sentAtMs: this.#deps.clock.monotonicMs() });
    }
    flush();
  }
}
