/** What must be taken back, noted as it is made and run in reverse. */
export type CleanupList = {
  readonly add: (step: () => void | Promise<void>) => void;
  /** Runs every step, also after one that fails, and throws afterwards what failed. A second call does nothing. */
  readonly run: () => Promise<void>;
};

function createCleanupList(): CleanupList {
  const steps: (() => void | Promise<void>)[] = [];
  return {
    add: (step) => {
      steps.push(step);
    },
    run: async () => {
      const failures: unknown[] = [];
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          await step();
        } catch (cause) {
          failures.push(cause);
        }
      }
      if (failures.length === 1) throw failures[0];
      if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '));
    },
  };
}

/** Makes something out of steps that note their own clean-up; what a failing step leaves is taken back before the throw. */
export async function makeOrTakeBack<Value>(make: (cleanup: CleanupList) => Promise<Value>): Promise<Value> {
  const cleanup = createCleanupList();
  try {
    return await make(cleanup);
  } catch (cause) {
    await cleanup.run();
    throw cause;
  }
}
