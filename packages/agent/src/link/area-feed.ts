import { isChangeArea, LIMITS, type ChangeArea } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import type { FrameChannel } from '@hauban/link';
import type { LinkLog } from './link-log.ts';
import type { AreaEvents, OpenWatch } from './watch-areas.ts';

export interface AreaFeedDeps {
  readonly clock: Clock;
  readonly log: LinkLog;
  watch(areas: readonly ChangeArea[], events: AreaEvents): Promise<OpenWatch>;
}

/** Who edits a file saves it by several changes. */
const SETTLE_MS = 2_000;

/**
 * Says which areas of the configuration changed (rules AREA1, AREA2): nothing is watched before the controller asks,
 * and whatever changes how often costs one message in `LIMITS.changeEveryMs`.
 */
export class AreaFeed {
  readonly #deps: AreaFeedDeps;
  #asked: readonly ChangeArea[] = [];
  /** Openings and closings of the watch, one after the other. */
  #turns: Promise<void> = Promise.resolve();
  #open: OpenWatch | null = null;
  /** When the first change of an area was seen that is not said yet, monotonic ms. */
  readonly #changed = new Map<ChangeArea, number>();
  #isReplaced = false;
  #hasFailed = false;
  #timer: Timer | null = null;
  #nextMs = 0;
  #channel: FrameChannel | null = null;

  constructor(deps: AreaFeedDeps) {
    this.#deps = deps;
  }

  linkUp(channel: FrameChannel): void {
    this.#channel = channel;
    this.#saySoon();
  }

  /** What is watched stays watched: a change without a link is said on the next one. */
  linkDown(): void {
    this.#channel = null;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** `areas.watch`: these, and no others. */
  ask(names: readonly string[]): void {
    const areas = [...new Set(names.filter(isChangeArea))].toSorted();
    if (areas.join() === this.#asked.join()) return;
    this.#asked = areas;
    for (const area of this.#changed.keys()) if (!areas.includes(area)) this.#changed.delete(area);
    this.#hasFailed = false;
    this.#reopen();
  }

  async stop(): Promise<void> {
    this.linkDown();
    this.ask([]);
    await this.#turns;
  }

  #reopen(): void {
    this.#turns = this.#turns.then(async () => {
      try {
        await this.#open?.close();
        this.#open = null;
        if (this.#asked.length > 0) this.#open = await this.#deps.watch(this.#asked, this.#events(this.#asked));
      } catch (error) {
        this.#failed(error);
      }
    });
  }

  #events(areas: readonly ChangeArea[]): AreaEvents {
    return {
      changed: (area) => {
        if (this.#asked !== areas || this.#changed.has(area)) return;
        this.#changed.set(area, this.#deps.clock.monotonicMs());
        this.#saySoon();
      },
      replaced: () => {
        this.#isReplaced = true;
      },
      failed: (error) => this.#failed(error),
    };
  }

  /** Said once for what is asked: a table of watches that is full is so for each folder. */
  #failed(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#deps.log.warn(
      { err: error },
      'not every change of configuration files can be watched (fs.inotify.max_user_watches may be too low): what is missed is seen by the compare of the pool',
    );
  }

  #saySoon(): void {
    if (this.#timer !== null || this.#channel === null || this.#changed.size === 0) return;
    const { clock } = this.#deps;
    const delayMs = Math.max(SETTLE_MS, this.#nextMs - clock.monotonicMs());
    this.#timer = clock.after(delayMs, () => {
      this.#timer = null;
      this.#say();
    });
  }

  #say(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const areas: Partial<Record<ChangeArea, number>> = {};
    for (const [area, sinceMs] of this.#changed)
      areas[area] = Math.min(LIMITS.changeAgeMs, Math.max(0, Math.round(nowMs - sinceMs)));
    this.#changed.clear();
    this.#nextMs = nowMs + LIMITS.changeEveryMs;
    this.#channel?.sendControl({ t: 'areas.changed', areas });
    if (!this.#isReplaced) return;
    this.#isReplaced = false;
    this.#reopen();
  }
}
