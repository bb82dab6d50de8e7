import { pino, type Logger } from 'pino';

/** JSON lines on standard output, written at once: few lines, and none may be lost when the process is killed. */
export const createLog = (): Logger => pino({ base: null }, pino.destination({ dest: 1, sync: true }));
