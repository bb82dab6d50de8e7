import { join } from 'node:path';
import { HaubanError } from '@hauban/shared/errors';
import { parseSessionId, type FromExecutor } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import { closeOrphanRecording, peekChunk } from '../shell/orphan-recording.ts';
import type { SignRecord } from '../shell/seal-chunk.ts';
import { parseHostFile, type HostFile } from '../shell/shell-options.ts';
import {
  chunkBytes,
  chunkPath,
  isOpenThere,
  listChunks,
  listSessionFolders,
  readChunk,
  readHostFile,
  removeChunk,
  removeRecordingFolder,
  removeSocket,
  watchFolder,
  type ProcessStart,
  type RecordingFolder,
} from '../store/index.ts';
import type { ExecutorLog } from './executor-log.ts';

export interface RecordingsParts {
  readonly recordingsDir: string;
  readonly gid: number | null;
  readonly sign: SignRecord;
  readonly clock: Clock;
  readonly processStart: ProcessStart;
  readonly send: (message: FromExecutor) => void;
  readonly log: ExecutorLog;
}

interface Session {
  readonly folder: RecordingFolder;
  watch: { close(): void } | null;
  /** Chunks that the link process was told of. */
  readonly announced: Set<number>;
  isAlive: boolean;
}

/** How soon the death of a shell host is noticed; its last chunk is made then. */
const LOOK_EVERY_MS = 2000;
/**
 * Live output goes before its recording, which is signed and on disk already: sending both at once halved the output of
 * a shell when measured. Recordings keep this pace, and hurry when so much waits that the shell would soon be stopped.
 */
const PACE_BYTES_PER_S = 4 * 1024 * 1024;
const RUSH_BYTES = 32 * 1024 * 1024;
const PACE_CHECK_MS = 200;
/** A shell that ignores the hang-up is killed after 5 s. */
const END_WITHIN_MS = 8000;
const END_CHECK_MS = 50;

/**
 * The recordings on this node: tells the link process of each chunk, removes what the controller has, and closes the
 * recording of a shell host that died (rules SHELL8, SHELL9). One recording that is damaged does not hold up others.
 */
export class Recordings {
  readonly #parts: RecordingsParts;
  readonly #sessions = new Map<string, Session>();
  #timer: Timer | null = null;
  #pace: Timer | null = null;
  #paceBytes = PACE_BYTES_PER_S;
  #paceAtMs: number;

  constructor(parts: RecordingsParts) {
    this.#parts = parts;
    this.#paceAtMs = parts.clock.monotonicMs();
  }

  /** Finds what earlier executors left. Hosts that are alive are watched, the others' recordings are closed. */
  start(): void {
    for (const name of listSessionFolders(this.#parts.recordingsDir)) {
      if (parseSessionId(name) !== null) this.add(name);
    }
    this.#timer = this.#parts.clock.every(LOOK_EVERY_MS, () => this.look());
    this.look();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#pace?.cancel();
    for (const session of this.#sessions.values()) session.watch?.close();
    this.#sessions.clear();
  }

  /** Watches a session's folder from now on. */
  add(session: string): void {
    const folder = { path: join(this.#parts.recordingsDir, session), gid: this.#parts.gid };
    const entry: Session = { folder, watch: null, announced: new Set(), isAlive: true };
    this.#sessions.set(session, entry);
    this.#guarded(session, () => {
      entry.watch = watchFolder(
        folder.path,
        () => this.#announce(session, entry, this.#parts.send),
        () => this.look(),
      );
      this.#announce(session, entry, this.#parts.send);
    });
  }

  /** Sessions whose shell host is alive. */
  open(): readonly string[] {
    return [...this.#sessions].flatMap(([id, { folder }]) => (this.#host(folder) === null ? [] : [id]));
  }

  isOpen(session: string): boolean {
    const entry = this.#sessions.get(session);
    return entry !== undefined && this.#host(entry.folder) !== null;
  }

  /** Where the shell host of an open session listens, or null. */
  socketOf(session: string): string | null {
    const entry = this.#sessions.get(session);
    return entry === undefined ? null : (this.#host(entry.folder)?.socket ?? null);
  }

  /** Ends every open shell in order and waits for the hosts, which have at most the time of a kill. */
  async endShells(): Promise<void> {
    for (const { folder } of this.#sessions.values()) {
      const host = this.#host(folder);
      if (host !== null) process.kill(host.pid, 'SIGTERM');
    }
    const untilMs = this.#parts.clock.monotonicMs() + END_WITHIN_MS;
    while (this.open().length > 0 && this.#parts.clock.monotonicMs() < untilMs)
      await new Promise<void>((resolve) => void this.#parts.clock.after(END_CHECK_MS, resolve));
  }

  /** Tells of every chunk that waits, whether it was told before or not. */
  offer(send: (message: FromExecutor) => void): void {
    for (const [id, entry] of this.#sessions) {
      entry.announced.clear();
      this.#guarded(id, () => this.#announce(id, entry, send));
    }
  }

  /**
   * The controller has this chunk. While its open file is still there the chunk is what tells how the chain goes on
   * after a crash: it stays, and is offered again.
   */
  acknowledge(session: string, index: number): void {
    const entry = this.#sessions.get(session);
    if (entry === undefined) return;
    this.#guarded(session, () => {
      const bytes = readChunk(entry.folder, index);
      if (bytes === null || isOpenThere(entry.folder, index)) return;
      const isLast = peekChunk(bytes)?.header.last === true;
      removeChunk(entry.folder, index);
      entry.announced.delete(index);
      if (isLast && listChunks(entry.folder).length === 0) this.#forget(session, entry);
    });
  }

  #forget(session: string, entry: Session): void {
    entry.watch?.close();
    this.#sessions.delete(session);
    removeRecordingFolder(entry.folder);
  }

  #announce(session: string, entry: Session, send: (message: FromExecutor) => void): void {
    const waiting = listChunks(entry.folder)
      .filter((index) => !entry.announced.has(index))
      .map((index) => ({ index, bytes: chunkBytes(entry.folder, index) ?? 0 }));
    let left = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { index, bytes } of waiting) {
      if (left < RUSH_BYTES && !this.#mayPass(bytes)) return this.#goOnLater();
      left -= bytes;
      entry.announced.add(index);
      send({ t: 'recording.ready', session, index, file: chunkPath(entry.folder, index) });
    }
    return undefined;
  }

  /** Takes from what may be sent now. */
  #mayPass(bytes: number): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const earned = ((nowMs - this.#paceAtMs) / 1000) * PACE_BYTES_PER_S;
    this.#paceBytes = Math.min(PACE_BYTES_PER_S, this.#paceBytes + earned);
    this.#paceAtMs = nowMs;
    if (this.#paceBytes <= 0) return false;
    this.#paceBytes -= bytes;
    return true;
  }

  #goOnLater(): void {
    this.#pace ??= this.#parts.clock.after(PACE_CHECK_MS, () => {
      this.#pace = null;
      for (const [id, entry] of this.#sessions) this.#guarded(id, () => this.#announce(id, entry, this.#parts.send));
    });
  }

  /** The host of a session while it is alive. */
  #host(folder: RecordingFolder): HostFile | null {
    const host = parseHostFile(readHostFile(folder) ?? '');
    return host.ok && this.#parts.processStart(host.value.pid) === host.value.start ? host.value : null;
  }

  /** Looks whether a shell host has died; it is done every 2 s too, for those that another executor started. */
  look(): void {
    for (const [id, entry] of this.#sessions) {
      if (!entry.isAlive || this.#host(entry.folder) !== null) continue;
      entry.isAlive = false;
      this.#guarded(id, () => this.#bury(id, entry));
    }
  }

  /** The host is gone: what it could not do itself is done here. */
  #bury(session: string, entry: Session): void {
    const host = parseHostFile(readHostFile(entry.folder) ?? '');
    if (host.ok) removeSocket(host.value.socket);
    if (closeOrphanRecording(entry.folder, this.#parts.sign))
      this.#parts.log.warn({ session }, 'a shell host died; its recording was closed');
    if (listChunks(entry.folder).length === 0) this.#forget(session, entry);
    else this.#announce(session, entry, this.#parts.send);
  }

  #guarded(session: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      this.#parts.log.error(
        { session, detail: error.detail },
        'a recording cannot be handled; its files stay as they are',
      );
    }
  }
}
