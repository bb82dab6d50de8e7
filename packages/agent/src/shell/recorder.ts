import { HaubanError } from '@hauban/shared/errors';
import type { ShellEnding } from '@hauban/shared/protocol';
import type { CastCode } from '@hauban/shared/recording';
import type { Clock, Timer } from '@hauban/shared/time';
import {
  chunkBytes,
  createOpenChunk,
  freeBytes,
  freeReserve,
  writeChunk,
  type OpenChunkFile,
  type RecordingFolder,
} from '../store/index.ts';
import { ChunkEvents, sealChunk, type ChainHead, type SignRecord } from './seal-chunk.ts';

export interface RecorderLimits {
  /** An open chunk is sealed this long after its first event. */
  readonly sealAfterMs: number;
  /** ... or at this much text; deflated it must fit one frame of the link. */
  readonly sealAtBytes: number;
  /** More than this waiting for the controller stops the terminal, not the recording. */
  readonly backlogBytes: number;
  /** Less free disk than this ends the shell: what cannot be recorded does not go on. */
  readonly minimumFreeBytes: number;
}

export const RECORDER_LIMITS: RecorderLimits = {
  sealAfterMs: 1000,
  sealAtBytes: 512 * 1024,
  backlogBytes: 64 * 1024 * 1024,
  minimumFreeBytes: 64 * 1024 * 1024,
};

export interface RecorderOptions {
  readonly folder: RecordingFolder;
  readonly head: ChainHead;
  readonly sign: SignRecord;
  readonly clock: Clock;
  readonly limits: RecorderLimits;
  /** Something that runs by itself (a seal by time, a sync) failed: end the shell. */
  readonly failed: (error: HaubanError) => void;
}

/**
 * Records one shell (rules SHELL2, SHELL7). What was handed over is in the open file when the call returns, so a kill
 * of this process loses none of it; sealed chunks are synced to the disk as they are made, about one a second.
 *
 * A chunk has its final name before its open file goes: a crash between leaves both, which `orphan-recording.ts` knows.
 * Any method throws FILE_FAILED when the disk does not take it; the owner then ends the shell.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #beganMs: number;
  #head: ChainHead;
  #events = new ChunkEvents();
  #file: OpenChunkFile;
  #timer: Timer | null = null;
  /** Sealed chunks that were still on disk when last looked at, oldest first. */
  readonly #waiting: { readonly index: number; readonly bytes: number }[] = [];
  #waitingBytes = 0;
  #isFinished = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#beganMs = options.clock.monotonicMs();
    this.#file = createOpenChunk(options.folder, options.head.index, options.head);
  }

  /** Output of the terminal; must not end inside a UTF-8 sequence. */
  output(bytes: Uint8Array): void {
    this.#record('o', bytes, bytes.length);
  }

  /** Anything else: input, resize ("COLSxROWS"), a marker, the exit status. */
  event(code: Exclude<CastCode, 'o'>, data: Uint8Array | string): void {
    this.#record(code, typeof data === 'string' ? Buffer.from(data, 'utf8') : data, 0);
  }

  /** Does so much wait for the controller that the terminal should pause? */
  get isBehind(): boolean {
    if (this.#waitingBytes <= this.#options.limits.backlogBytes) return false;
    for (let oldest = this.#waiting[0]; oldest !== undefined; oldest = this.#waiting[0]) {
      if (chunkBytes(this.#options.folder, oldest.index) !== null) break;
      this.#waitingBytes -= oldest.bytes;
      this.#waiting.shift();
    }
    return this.#waitingBytes > this.#options.limits.backlogBytes;
  }

  /** Seals the last chunk; the reserve makes room for it. A second call does nothing. */
  finish(ending: ShellEnding): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    freeReserve(this.#options.folder);
    this.#seal(ending);
  }

  #record(code: CastCode, data: Uint8Array, bytes: number): void {
    if (this.#isFinished) throw new HaubanError('RECORDING_BROKEN', 'the recording is closed');
    const { clock, limits } = this.#options;
    const atMs = Math.max(this.#head.lastAtMs, Math.floor(clock.monotonicMs() - this.#beganMs));
    this.#file.append({ atMs, bytes, code, data });
    this.#events.add(atMs, code, data, bytes);
    if (this.#events.textBytes >= limits.sealAtBytes) this.#sealOpen();
    else this.#timer ??= clock.after(limits.sealAfterMs, () => this.#sealByTimer());
  }

  #sealByTimer(): void {
    this.#timer = null;
    try {
      this.#sealOpen();
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      this.#options.failed(error);
    }
  }

  #sealOpen(): void {
    const free = freeBytes(this.#options.folder.path);
    if (free < this.#options.limits.minimumFreeBytes) {
      const detail = `the disk for recordings has only ${Math.floor(free / 1_048_576)} MiB left`;
      throw new HaubanError('FILE_FAILED', detail);
    }
    this.#seal(null);
  }

  #seal(ending: ShellEnding | null): void {
    this.#timer?.cancel();
    this.#timer = null;
    const { folder, sign, failed } = this.#options;
    const { bytes, next } = sealChunk(this.#head, this.#events, ending, sign);
    writeChunk(folder, this.#head.index, bytes, (error) => {
      if (error === null || this.#isFinished) return;
      failed(new HaubanError('FILE_FAILED', 'a chunk of the recording cannot be synced', { cause: error }));
    });
    this.#waiting.push({ index: this.#head.index, bytes: bytes.length });
    this.#waitingBytes += bytes.length;
    const sealed = this.#file;
    if (ending === null) this.#file = createOpenChunk(folder, next.index, next);
    this.#head = next;
    this.#events = new ChunkEvents();
    sealed.remove();
  }
}
