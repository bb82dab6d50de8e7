import { createReadStream } from 'node:fs';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';

const MIB = 1024 * 1024;

/** A file, whole; `-` is standard input. One that is larger than that is refused before it fills the memory. */
export async function loadText(path: string, limitMiB: number): Promise<string> {
  const name = path === '-' ? 'standard input' : path;
  const source = path === '-' ? process.stdin : createReadStream(path);
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of source as AsyncIterable<Buffer>) {
      sizeBytes += part.length;
      if (sizeBytes > limitMiB * MIB)
        throw new CliError(EXIT.usage, 'BAD_REQUEST', `${name} has more than ${limitMiB} MiB: give it in parts.`);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(EXIT.usage, 'BAD_REQUEST', `${name} can not be read.`, { cause: error });
  }
  return Buffer.concat(parts).toString('utf8');
}
