/** Fields first, then a fixed sentence: nothing that came from outside goes into the sentence. */
export interface LinkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
