/** What the actions on services need of a machine. */

/** systemd's own words, cut to what is a wish rather than a moment. */
export interface UnitState {
  readonly active: boolean;
  /** Started at boot. Units that can not be enabled (static) keep what they are. */
  readonly enabled: boolean;
}

export interface ServiceResources {
  /** By unit name, such as `apache2.service`. Null: there is no such unit. */
  readonly 'service.unit': UnitState;
}

export interface ServiceTasks {
  /** `invocation`: the run that is to be replaced; when another one runs already, nothing is done. */
  readonly 'service.restart': { readonly unit: string; readonly invocation: string };
  readonly 'service.reload': { readonly unit: string };
}

/** As `systemctl show` says it now. */
export interface UnitFacts {
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  readonly canReload: boolean;
  /** Of the present run; another one after each start. Empty while it does not run. */
  readonly invocation: string;
  readonly mainPid: number;
  readonly restarts: number;
}

export interface ServiceQueries {
  /** The pools of Debian's own php-fpm as they are on disk, started in private; null: they serve. */
  readonly 'service.php-pools': {
    readonly args: { readonly version: string; readonly masterPid: number };
    readonly answer: { readonly fault: string | null };
  };
  readonly 'service.facts': { readonly args: { readonly unit: string }; readonly answer: UnitFacts };
}
