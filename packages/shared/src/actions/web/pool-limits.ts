import Type from 'typebox';
import Value from 'typebox/value';
import type { Host, PhpMaster } from '../host.ts';
import { LIMITS_MARK, poolConfig, type PoolLimits } from '../hosting-layout.ts';
import { refuse } from '../planner.ts';

/** The limits of an account's PHP: as arguments, and as its pool file says them. */
export const LIMIT_ARGS = {
  memoryMiB: Type.Optional(
    Type.Integer({ minimum: 32, maximum: 4096, title: 'Memory of a request', description: 'MiB; memory_limit' }),
  ),
  executionS: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 3600, title: 'Time of a request', description: 'Seconds; max_execution_time' }),
  ),
  uploadMiB: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 4096, title: 'Size of an upload', description: 'MiB; upload_max_filesize' }),
  ),
  postMiB: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 4096, title: 'Size of a request', description: 'MiB; post_max_size' }),
  ),
  inputVars: Type.Optional(
    Type.Integer({ minimum: 100, maximum: 100_000, title: 'Fields of a form', description: 'max_input_vars' }),
  ),
  children: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 200, title: 'Processes', description: 'Requests at the same time' }),
  ),
};

const Stored = Type.Object(LIMIT_ARGS, { additionalProperties: false });

function storedLimits(content: string): PoolLimits | null {
  const line = content.split('\n')[1] ?? '';
  if (!line.startsWith(LIMITS_MARK)) return {};
  let stored: unknown;
  try {
    stored = JSON.parse(line.slice(LIMITS_MARK.length));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  return Value.Check(Stored, stored) ? stored : null;
}

/** What the account's pool file says; refuses one that is not, byte for byte, a file that we write. */
export async function loadLimits(host: Host, master: PhpMaster, webGid: number): Promise<PoolLimits> {
  const state = await host.files.state(master.configFile);
  if (state.type !== 'file') return refuse(`${master.configFile} is not there as a file`);
  const limits = storedLimits(state.content);
  return limits !== null && poolConfig(master, webGid, limits) === state.content
    ? limits
    : refuse(`${master.configFile} was changed by hand: put it back or remove the account's own lines`);
}
