/**
 * Work of one link that takes time: steps that must follow one another, and steps beside them. Counts what is
 * under way, so that the gateway can stop reading from a node that sends faster than the database takes.
 */
export interface WorkQueue {
  /** After everything added by `add` before it. */
  add(bytes: number, step: () => Promise<void>): void;
  /** At once. */
  beside(bytes: number, step: () => Promise<void>): void;
  /** Nothing is started any more; what runs goes on. */
  stop(): void;
}

export interface WorkQueueEvents {
  /** More waits than should: read no more. */
  full(): void;
  /** There is room again. */
  room(): void;
  /** A step rejected, also after `stop`. Steps that wait are dropped. */
  failed(error: unknown): void;
}

const FULL = { steps: 64, bytes: 8 * 1024 * 1024 } as const;
const ROOM = { steps: 16, bytes: 2 * 1024 * 1024 } as const;

export function createWorkQueue(events: WorkQueueEvents): WorkQueue {
  let tail = Promise.resolve();
  let steps = 0;
  let bytes = 0;
  let isFull = false;
  let isStopped = false;

  const begin = (size: number): void => {
    steps += 1;
    bytes += size;
    if (isFull || (steps < FULL.steps && bytes < FULL.bytes)) return;
    isFull = true;
    events.full();
  };
  const end = (size: number): void => {
    steps -= 1;
    bytes -= size;
    if (!isFull || steps > ROOM.steps || bytes > ROOM.bytes) return;
    isFull = false;
    if (!isStopped) events.room();
  };
  const run = async (size: number, step: () => Promise<void>): Promise<void> => {
    try {
      if (!isStopped) await step();
    } catch (error) {
      isStopped = true;
      events.failed(error);
    } finally {
      end(size);
    }
  };

  return {
    add: (size, step) => {
      begin(size);
      tail = tail.then(() => run(size, step));
    },
    beside: (size, step) => {
      begin(size);
      void run(size, step);
    },
    stop: () => {
      isStopped = true;
    },
  };
}
