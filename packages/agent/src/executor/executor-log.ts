/** Fields first, then a fixed sentence: nothing that came from outside goes into the sentence. `main.ts` says how it is written. */
export interface ExecutorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
