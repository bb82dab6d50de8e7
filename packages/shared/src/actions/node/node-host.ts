/** What the actions on the node itself need of it. */

export interface NodeTasks {
  /** Starts the reboot and waits for the end of this process; when the node runs in that boot no more, it does nothing. */
  readonly 'node.reboot': { readonly bootId: string };
  /** Replaces the receipt key by one of that version; when it has that version already, or a higher one, it does nothing. */
  readonly 'node.rotate-receipt-key': { readonly version: number };
}

export interface NodeQueries {
  /** The key that receipts are signed with: which one it is since the enrolment, and its public half. */
  readonly 'node.receipt-key': {
    readonly args: object;
    readonly answer: { readonly version: number; readonly key: string };
  };
  readonly 'node.boot': {
    /** `atRest`: waits until systemd has no more jobs, at most five minutes. */
    readonly args: { readonly atRest: boolean };
    readonly answer: {
      readonly bootId: string;
      readonly runningKernel: string;
      /** The newest kernel that is installed, or the running one when none is found. */
      readonly newestKernel: string;
      /** Packages that asked for a reboot (/run/reboot-required.pkgs). */
      readonly askedBy: readonly string[];
      readonly isAsked: boolean;
      /** Units whose programs or libraries were replaced below them (needrestart), null when it is not installed. */
      readonly outdatedUnits: readonly string[] | null;
      /** systemd's word on the whole: running, degraded, starting, ... */
      readonly systemState: string;
    };
  };
}
