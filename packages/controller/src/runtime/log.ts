import { pino, type Logger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** What features log with: fields first, then a fixed sentence; nothing that came from outside goes into the sentence. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
export type RootLog = Logger;

/** Paths that may hold a secret; a value found there is replaced, whoever logs it. */
const SECRETS = [
  'req.headers.cookie',
  'req.headers.authorization',
  'res.headers["set-cookie"]',
  '*.password',
  '*.passkey',
  '*.token',
  '*.secret',
  '*.ticket',
  '*.deviceCode',
  'password',
  'token',
  'secret',
  'ticket',
];

/** Fields of an error for the log. The values of a failed statement are left out: they may be secret. */
function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const withoutValues = (text: string | undefined): string | undefined => text?.replaceAll(/\nparams: .*/g, '');
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: withoutValues(error.message),
    stack: withoutValues(error.stack),
    ...(error.cause === undefined || depth > 4 ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

/**
 * JSON lines on standard error: standard output is for what other programs read (`ready`, a printed token). Each is
 * written at once: what waits in a buffer is flushed at the exit, and sonic-boom 4.2 tries that for ever where nobody
 * reads any more, so that a controller whose launcher was killed would never end.
 */
export function createLog(level: LogLevel): RootLog {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRETS, censor: '(secret)' },
      serializers: { err: (error: unknown) => describeError(error) },
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
