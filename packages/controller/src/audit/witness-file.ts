import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { auditSignedLine } from '@hauban/shared/audit';
import { createOutsideWitness, type OutsideWitness } from './outside-witness.ts';

/** The end of the file that is read to find the last head. */
const TAIL_BYTES = 16_384;
const LINE = /^\{"t":"head","jws":"([A-Za-z0-9_.-]{1,4000})"\}$/;

const codeOf = (error: unknown): string => {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
};

/** Appends each head as a line, as an export has it; durable before it counts. The file is opened anew each time: it may be moved or come back. */
async function append(path: string, jws: string): Promise<string | null> {
  try {
    const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
    const handle = await open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o640);
    try {
      await handle.appendFile(`${auditSignedLine('head', jws)}\n`);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    return null;
  } catch (error) {
    return `${path} cannot be written: ${codeOf(error)}`;
  }
}

async function readLast(path: string): Promise<string | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { size } = await handle.stat();
      const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
      await handle.read(buffer, 0, buffer.length, size - buffer.length);
      const lines = buffer.toString('latin1').split('\n');
      return lines.reduce<string | null>((last, line) => LINE.exec(line)?.[1] ?? last, null);
    } finally {
      await handle.close();
    }
  } catch (error) {
    codeOf(error);
    return null;
  }
}

/** A file that only grows, on another disk: `HAUBAN_AUDIT_WITNESS_FILE`. */
export const createWitnessFile = (path: string): OutsideWitness =>
  createOutsideWitness(
    { kind: 'file', where: path },
    (jws) => append(path, jws),
    () => readLast(path),
  );
