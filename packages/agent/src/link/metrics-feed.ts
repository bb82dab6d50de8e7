import { FRAME_TYPES, LIMITS } from '@hauban/shared/protocol';
import { seriesListToJson, type ChunkKey, type SeriesList } from '@hauban/shared/metrics';
import type { Clock, Timer } from '@hauban/shared/time';
import type { FrameChannel } from '@hauban/link';
import type { LinkLog } from './link-log.ts';

/** What the feed needs of the sampler. */
export interface FedSampler {
  setPeriod(periodMs: 1000 | 10_000): void;
  forceKeyFrame(): void;
  seriesList(): SeriesList;
}

/** What the feed needs of the spool. */
export interface FedSpool {
  /** Unconfirmed chunks, newest first. */
  pending(limit: number): readonly (ChunkKey & { readonly listVersion: string })[];
  read(key: ChunkKey): Promise<Uint8Array | undefined>;
  ack(key: ChunkKey): Promise<void>;
  seriesList(version: string): Promise<SeriesList | undefined>;
}

export interface MetricsFeedDeps {
  readonly clock: Clock;
  readonly log: LinkLog;
  readonly spool: FedSpool;
}

/**
 * Takes live frames and chunks from the sampler to the link. A live frame that cannot go out is lost (it is for the eye
 * and for alerts); a chunk stays in the spool until the controller says that it is durable.
 */
export class MetricsFeed {
  readonly #deps: MetricsFeedDeps;
  readonly #sampler: FedSampler;
  #link: Feeding | null = null;
  #watch: Timer | null = null;
  /** A pass over the spool is running; another one is wanted after it. */
  #isPumping = false;
  #isWanted = false;

  constructor(deps: MetricsFeedDeps, sampler: FedSampler) {
    this.#deps = deps;
    this.#sampler = sampler;
  }

  /** After `status` was sent (rule LIFE2). */
  linkUp(channel: FrameChannel): void {
    this.#link = { channel, declared: new Set(), sent: new Set(), unacked: new Set() };
    this.#declareCurrent(this.#link);
    this.pump();
  }

  linkDown(): void {
    this.#link = null;
    this.#unwatch();
  }

  /** The sampler has a new list; its frames follow. */
  newSeriesList(): void {
    if (this.#link !== null) this.#declareCurrent(this.#link);
  }

  liveFrame(bytes: Uint8Array): void {
    const link = this.#link;
    if (link === null) return;
    const isFull = link.channel.bufferedBytes > LIMITS.bufferPauseBytes;
    if (isFull) this.#sampler.forceKeyFrame();
    else link.channel.send(FRAME_TYPES.live, bytes);
  }

  /** Rule METRIC4. */
  watched(periodMs: 1000 | 10_000): void {
    this.#unwatch();
    if (periodMs !== 1000) return;
    this.#sampler.setPeriod(periodMs);
    this.#watch = this.#deps.clock.after(LIMITS.watchLapseMs, () => this.#unwatch());
  }

  #unwatch(): void {
    if (this.#watch === null) return;
    this.#watch.cancel();
    this.#watch = null;
    this.#sampler.setPeriod(10_000);
  }

  acknowledged(key: ChunkKey): void {
    this.#link?.unacked.delete(nameOf(key));
    this.#link?.sent.delete(nameOf(key));
    this.#deps.spool.ack(key).then(
      () => this.pump(),
      (error: unknown) => this.#deps.log.error({ err: error }, 'an acknowledged chunk cannot be deleted'),
    );
  }

  /** Sends what waits as far as the limits allow: call when there may be something new. */
  pump(): void {
    this.#isWanted = true;
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#pumpAll()
      .catch((error: unknown) => this.#deps.log.error({ err: error }, 'chunks of metrics cannot be sent'))
      .finally(() => {
        this.#isPumping = false;
        // Asked for between the last look and here.
        if (this.#isWanted) this.pump();
      });
  }

  async #pumpAll(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      const link = this.#link;
      if (link === null) return;
      for (let next = this.#next(link); next !== null; next = this.#next(link)) await this.#sendChunk(link, next);
    }
  }

  /** The newest chunk that this link has not carried yet; null when there is none or 4 are unacknowledged (rule METRIC3). */
  #next(link: Feeding): PendingChunk | null {
    if (link !== this.#link || !link.channel.isOpen || link.unacked.size >= LIMITS.unackedChunks) return null;
    const newest = this.#deps.spool.pending(link.sent.size + 1);
    return newest.find((chunk) => !link.sent.has(nameOf(chunk))) ?? null;
  }

  async #sendChunk(link: Feeding, chunk: PendingChunk): Promise<void> {
    const name = nameOf(chunk);
    link.sent.add(name);
    const bytes = await this.#deps.spool.read(chunk);
    const isDeclared = bytes !== undefined && (await this.#declare(link, chunk.listVersion));
    if (bytes === undefined || !isDeclared) {
      this.#deps.log.warn({ seq: chunk.seq }, 'a chunk of metrics is damaged or its list of series is lost');
      return;
    }
    if (link !== this.#link) return;
    link.unacked.add(name);
    if (link.channel.send(FRAME_TYPES.chunk, bytes) === 'stop')
      await new Promise<void>((resolve) => link.channel.onceDrained(resolve));
  }

  /** The controller must know the list of a chunk before the chunk. An older list makes the current one be declared again, for the live frames. */
  async #declare(link: Feeding, version: string): Promise<boolean> {
    if (link.declared.has(version)) return true;
    const list = await this.#deps.spool.seriesList(version);
    if (list === undefined) return false;
    if (link.declared.has(version) || link !== this.#link) return true;
    this.#send(link, list);
    this.#declareCurrent(link);
    return true;
  }

  #declareCurrent(link: Feeding): void {
    this.#send(link, this.#sampler.seriesList());
    this.#sampler.forceKeyFrame();
  }

  #send(link: Feeding, list: SeriesList): void {
    link.declared.add(list.version);
    link.channel.sendControl({ t: 'series', list: seriesListToJson(list) });
  }
}

type PendingChunk = ReturnType<FedSpool['pending']>[number];

/** What one link has carried so far. */
interface Feeding {
  readonly channel: FrameChannel;
  readonly declared: Set<string>;
  /** Chunks are sent once a link: one that the controller does not take must not block the others. */
  readonly sent: Set<string>;
  readonly unacked: Set<string>;
}

const nameOf = (key: ChunkKey): string => `${key.boot} ${key.seq}`;
