/** The native half of node-pty, without its JavaScript class: see `pty-process.ts` for why. */
declare module 'node-pty/lib/utils.js' {
  export interface NativePty {
    /** Forks `file` as leader of a new session on a new terminal. `uid` and `gid` -1: unchanged. */
    fork(
      file: string,
      args: readonly string[],
      env: readonly string[],
      cwd: string,
      columns: number,
      rows: number,
      uid: number,
      gid: number,
      utf8: boolean,
      helperPath: string,
      onExit: (status: number, signal: number) => void,
    ): { readonly fd: number; readonly pid: number; readonly pty: string };
    resize(fd: number, columns: number, rows: number): void;
  }
  export function loadNativeModule(name: 'pty'): { readonly dir: string; readonly module: NativePty };
}
