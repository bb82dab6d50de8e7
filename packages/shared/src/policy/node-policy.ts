/**
 * The node's own allow-list, `/etc/hauban/policy.toml` (root's file): the last word on the node. Deny by default;
 * nothing that comes over the link can widen it. This is its form after TOML is parsed; the executor loads it.
 *
 * ```toml
 * version = 1
 * [[allow]]
 * actions = ["account.create", "php.*"]
 * args.name = { pattern = "w4a[0-9]{6}" }      # whole value must match
 * [[allow]]
 * actions = ["firewall.*"]
 * [shell]
 * users = ["root", "deploy"]                    # empty: no shells
 * max_minutes = 480
 * grace_seconds = 120                           # goes on so long when nobody is attached
 * idle_minutes = 0                              # ends after so long without input or output; 0: never
 * record_input = false
 * [firewall]
 * never_ban = ["192.0.2.0/24"]
 * [[custom]]                                    # an action of the hoster's own, as it was when root looked at it
 * name = "check-shop"
 * hash = "9f86d08...(64 hex digits)"            # hauban-agent custom-hash check-shop
 * allow_root = false                            # may its programs run as root
 * ```
 */
export interface ArgumentLimit {
  /** Regular expression that the whole value must match. */
  readonly pattern?: string;
  readonly oneOf?: readonly (string | number | boolean)[];
  readonly min?: number;
  readonly max?: number;
}

export interface AllowRule {
  /** Action names; a trailing `.*` takes all of a noun, `*` all. */
  readonly actions: readonly string[];
  readonly args: Readonly<Record<string, ArgumentLimit>>;
}

/** Root's word for one custom action: manifest and programs of exactly this hash. */
export interface CustomPin {
  readonly name: string;
  /** SHA-256, hex. */
  readonly hash: string;
  readonly allowRoot: boolean;
}

export interface NodePolicy {
  readonly version: 1;
  readonly allow: readonly AllowRule[];
  readonly shell: {
    readonly users: readonly string[];
    readonly maxMinutes: number;
    readonly graceSeconds: number;
    readonly idleMinutes: number;
    readonly recordInput: boolean;
  };
  readonly firewall: { readonly neverBan: readonly string[] };
  readonly custom: readonly CustomPin[];
}

export type PolicyDecision = { readonly allowed: true } | { readonly allowed: false; readonly detail: string };
