/** What the person at the terminal sees: one line a step, with its time; then the address. */
export interface Progress {
  step<T>(title: string, work: () => Promise<T>): Promise<T>;
  say(line: string): void;
}

export function createProgress(write: (text: string) => void, monotonicMs: () => number): Progress {
  return {
    async step(title, work) {
      const startedMs = monotonicMs();
      write(`  ${title} … `);
      try {
        const result = await work();
        write(`ready (${((monotonicMs() - startedMs) / 1000).toFixed(1)} s)\n`);
        return result;
      } catch (error) {
        write('failed\n');
        throw error;
      }
    },
    say: (line) => write(`${line}\n`),
  };
}
