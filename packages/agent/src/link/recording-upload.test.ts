import type { FrameChannel } from '@hauban/link';
import { beforeEach, describe, expect, it } from 'vitest';
import { RecordingUpload } from './recording-upload.ts';

const session = '00000000-0000-4000-8000-000000000001';
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

let sent: string[];
let acknowledged: number[];
/** What reads are under way, by file; the test ends them in the order that it likes. */
let reads: Map<string, (bytes: Uint8Array | null) => void>;
let upload: RecordingUpload;

/** Only what the upload uses of a channel. */
const newChannel = (): FrameChannel =>
  ({
    send: (_type: number, bytes: Uint8Array) => {
      sent.push(Buffer.from(bytes).toString());
      return 'sent';
    },
  }) as unknown as FrameChannel;

const announce = (...indexes: number[]): void => {
  for (const index of indexes) upload.announced({ session, index, file: String(index) });
};
const finishReads = async (): Promise<void> => {
  while (reads.size > 0) {
    // The newest first: a thread pool promises no order.
    const [file, end] = [...reads].at(-1) ?? ['', () => undefined];
    reads.delete(file);
    end(Buffer.from(file));
    await turn();
  }
};

beforeEach(() => {
  [sent, acknowledged, reads] = [[], [], new Map()];
  upload = new RecordingUpload({
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    readChunk: (file) => new Promise((resolve) => void reads.set(file, resolve)),
    acknowledged: (_session, index) => void acknowledged.push(index),
  });
});

describe('the upload of recordings', () => {
  it('sends chunks in the order of their announcement, whichever file is read first', async () => {
    upload.linkUp(newChannel());
    upload.told();
    announce(0, 1, 2);
    await turn();
    await finishReads();
    expect(sent).toEqual(['0', '1', '2']);
  });

  it('passes over a chunk that is announced before the list of those that wait', async () => {
    upload.linkUp(newChannel());
    announce(7);
    upload.told();
    announce(5, 6, 7);
    await turn();
    await finishReads();
    expect(sent).toEqual(['5', '6', '7']);
  });

  it('keeps nothing over the end of a link', async () => {
    upload.linkUp(newChannel());
    upload.told();
    announce(0, 1);
    await turn();
    upload.linkDown();
    upload.linkUp(newChannel());
    announce(2);
    await finishReads();
    expect(sent).toEqual([]);
    upload.told();
    announce(0, 1, 2);
    await turn();
    await finishReads();
    expect(sent).toEqual(['0', '1', '2']);
  });

  it('answers for the controller when a chunk is offered again that it has', async () => {
    upload.linkUp(newChannel());
    upload.told();
    announce(0);
    await turn();
    await finishReads();
    upload.acknowledged(session, 0);
    announce(0, 1);
    await turn();
    await finishReads();
    expect(sent).toEqual(['0', '1']);
    expect(acknowledged).toEqual([0, 0]);
  });

  it('has at most 4 unacknowledged', async () => {
    upload.linkUp(newChannel());
    upload.told();
    announce(0, 1, 2, 3, 4, 5);
    await turn();
    await finishReads();
    expect(sent).toEqual(['0', '1', '2', '3']);
    upload.acknowledged(session, 0);
    await turn();
    await finishReads();
    expect(sent).toEqual(['0', '1', '2', '3', '4']);
    expect(acknowledged).toEqual([0]);
  });
});
