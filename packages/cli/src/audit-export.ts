import { open } from 'node:fs/promises';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';

/** Writes the whole audit log of the controller to a new file; the number of bytes. */
export async function exportAudit(api: ApiClient, path: string): Promise<number> {
  const pieces = await api.download('/api/audit/export');
  let written = 0;
  try {
    // A file that is there is somebody's evidence.
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const piece of pieces) {
        await file.writeFile(piece);
        written += piece.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
    if (code === 'EEXIST')
      throw new CliError(EXIT.usage, 'FILE_FAILED', `${path} is there already: choose another name.`);
    if ('syscall' in error && code !== null)
      throw new CliError(EXIT.usage, 'FILE_FAILED', `${path} cannot be written: ${code}.`, { cause: error });
    const detail = `The export broke off after ${written} bytes: the file is not whole.`;
    throw new CliError(EXIT.unreachable, 'UNREACHABLE', detail, { cause: error });
  }
  return written;
}
