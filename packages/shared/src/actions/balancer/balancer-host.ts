/** What the actions on HAProxy need of a machine. */

export type ServerWish = 'ready' | 'drain' | 'maint';

export interface BalancerServer {
  readonly backend: string;
  readonly server: string;
  readonly state: ServerWish;
  /** Passes its health checks, or has none. */
  readonly isUp: boolean;
  /** 0 to 256. */
  readonly weight: number;
  /** Requests that it serves now. */
  readonly sessions: number;
}

export interface BalancerResources {
  /** By `backend/server`. Null: HAProxy has no such server. */
  readonly 'balancer.server': { readonly state: ServerWish; readonly weight: number };
}

export interface BalancerTasks {
  /** Returns when that server serves nothing any more; ACTION_FAILED when it still does after `withinS`. */
  readonly 'balancer.wait-idle': { readonly backend: string; readonly server: string; readonly withinS: number };
}

export interface BalancerQueries {
  readonly 'balancer.servers': {
    readonly args: Readonly<Record<string, never>>;
    readonly answer: {
      readonly servers: readonly BalancerServer[];
      /** HAProxy is set to read server states back after a reload (load-server-state-from-file). */
      readonly isKept: boolean;
      /** Servers, as `backend/server`, that the file it reads them back from says something else of. */
      readonly notKept: readonly string[];
    };
  };
}
