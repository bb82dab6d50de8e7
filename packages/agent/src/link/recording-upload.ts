import { FRAME_TYPES, LIMITS } from '@hauban/shared/protocol';
import type { FrameChannel } from '@hauban/link';
import type { LinkLog } from './link-log.ts';

export interface RecordingUploadDeps {
  readonly log: LinkLog;
  /** The bytes of a chunk file below the recordings folder; null when it is not there or not to be read. */
  readChunk(file: string): Promise<Uint8Array | null>;
  /** Passes the controller's acknowledgement on to the executor, which then deletes the file. */
  acknowledged(session: string, index: number): void;
}

interface Announced {
  readonly session: string;
  readonly index: number;
  readonly file: string;
}

/**
 * Sends the chunks of recordings that the executor announces, in that order, with at most 4 unacknowledged. It keeps
 * nothing over the end of a link: after each `ready` the executor announces all that still waits (rule SHELL8).
 *
 * The order matters: a chunk that comes before the one it follows breaks the recording for good. So what the executor
 * says before its list of all that waits is passed over (it is in the list), and files are read one after the other.
 */
export class RecordingUpload {
  readonly #deps: RecordingUploadDeps;
  #channel: FrameChannel | null = null;
  /** The executor has begun to tell all that waits. */
  #isTold = false;
  #waiting: Announced[] = [];
  /** Keys that are being read or wait for their acknowledgement. */
  readonly #underway = new Set<string>();
  /** The newest chunk of each session that the controller acknowledged over this link; it has all before it too. */
  readonly #stored = new Map<string, number>();
  /** The end of the queue of files to read and send; never rejects. */
  #sending: Promise<void> = Promise.resolve();

  constructor(deps: RecordingUploadDeps) {
    this.#deps = deps;
  }

  /** Chunks that the executor has announced have no acknowledgement yet. */
  get isBusy(): boolean {
    return this.#waiting.length > 0 || this.#underway.size > 0;
  }

  linkUp(channel: FrameChannel): void {
    this.#channel = channel;
  }

  linkDown(): void {
    this.#channel = null;
    this.#isTold = false;
    this.#waiting = [];
    this.#underway.clear();
    this.#stored.clear();
  }

  /** The executor answers a `sync`: its list of all that waits follows. */
  told(): void {
    if (this.#channel !== null) this.#isTold = true;
  }

  announced(chunk: Announced): void {
    if (!this.#isTold) return;
    // A list that was made before the acknowledgement arrived there.
    if (chunk.index <= (this.#stored.get(chunk.session) ?? -1))
      return this.#deps.acknowledged(chunk.session, chunk.index);
    const key = keyOf(chunk);
    if (this.#underway.has(key) || this.#waiting.some((other) => keyOf(other) === key)) return;
    this.#waiting.push(chunk);
    this.#pump();
  }

  acknowledged(session: string, index: number): void {
    this.#underway.delete(keyOf({ session, index }));
    this.#stored.set(session, Math.max(index, this.#stored.get(session) ?? -1));
    this.#deps.acknowledged(session, index);
    this.#pump();
  }

  #pump(): void {
    const channel = this.#channel;
    if (channel === null) return;
    while (this.#underway.size < LIMITS.unackedChunks) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#underway.add(keyOf(next));
      this.#sending = this.#sending.then(() => this.#start(channel, next));
    }
  }

  async #start(channel: FrameChannel, chunk: Announced): Promise<void> {
    const { log } = this.#deps;
    if (channel !== this.#channel) return;
    try {
      await this.#upload(channel, chunk);
    } catch (error) {
      log.error({ err: error, session: chunk.session, index: chunk.index }, 'a chunk of a recording cannot be read');
      this.#underway.delete(keyOf(chunk));
    }
  }

  async #upload(channel: FrameChannel, chunk: Announced): Promise<void> {
    const bytes = await this.#deps.readChunk(chunk.file);
    if (channel !== this.#channel) return;
    if (bytes === null || bytes.length > LIMITS.bodyBytes) {
      this.#deps.log.error(
        { session: chunk.session, index: chunk.index },
        'a chunk of a recording is missing or too large',
      );
      this.#underway.delete(keyOf(chunk));
      this.#pump();
      return;
    }
    if (channel.send(FRAME_TYPES.recording, bytes) === 'stop')
      await new Promise<void>((resolve) => channel.onceDrained(resolve));
  }
}

const keyOf = ({ session, index }: { readonly session: string; readonly index: number }): string =>
  `${session} ${index}`;
