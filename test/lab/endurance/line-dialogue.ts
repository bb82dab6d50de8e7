import type { RunningProgram } from '../program.ts';

/** A program that answers each line on its standard input with one line of JSON. */
export interface LineDialogue {
  /** A line that gets no answer. */
  readonly tell: (message: object) => void;
  readonly ask: <T>(message: object) => Promise<T>;
  /** Ends its input and waits for its end. */
  readonly end: () => Promise<void>;
}

export function createLineDialogue(name: string, program: RunningProgram): LineDialogue {
  const { stdin, stdout } = program.child;
  if (stdin === null || stdout === null) throw new Error(`${name} was started without pipes`);
  const waiting: { readonly take: (line: string) => void; readonly fail: (error: Error) => void }[] = [];
  let rest = '';
  stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) waiting.shift()?.take(line);
  });
  void program.exited.then(({ code, signal, stderr }) => {
    for (const { fail } of waiting)
      fail(new Error(`${name} ended with ${String(code ?? signal)}: ${stderr.slice(-2000)}`));
  });
  const tell = (message: object): void => void stdin.write(`${JSON.stringify(message)}\n`);
  return {
    tell,
    ask: <T>(message: object) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ take: (line) => resolve(JSON.parse(line) as T), fail: reject });
        tell(message);
      }),
    end: async () => {
      stdin.end();
      const { code, stderr } = await program.exited;
      if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${stderr.slice(-2000)}`);
    },
  };
}
