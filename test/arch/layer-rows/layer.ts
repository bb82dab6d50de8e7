/** One row of the import table, and the words that rows of several rooms share. Each other file here has the rows of its packages. */
export interface Layer {
  /** Which files: a path with `*`, `**` and `{a,b}`. */
  readonly files: string;
  readonly may: readonly string[];
  /** Denied even if `may` covers it. */
  readonly never?: readonly string[];
  /** What the room is, in one line; printed with a violation. */
  readonly why: string;
  /** A test or a tool: may also use the root's devDependencies. */
  readonly isTool?: true;
  /** Packages that whoever copies these files declares in their own place. */
  readonly brings?: readonly string[];
}

export const CONTRACT = '@hauban/shared/{errors,time,protocol,actions,audit,inventory,metrics,policy,recording,api}';
export const LINK = '@hauban/link';
/** Arithmetic on bytes and paths: no I/O. */
export const PURE_NODE = 'node:{crypto,path,path/posix,util,url,buffer}';
export const FILES = 'node:{fs,fs/promises}';
export const TEST_TOOLS = 'npm:{vitest,fast-check}';
