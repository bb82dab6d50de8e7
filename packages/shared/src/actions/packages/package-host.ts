/** What the actions on Debian packages need of a machine. */

export interface PackageUpdate {
  readonly name: string;
  readonly architecture: string;
  /** The version that is installed. */
  readonly from: string;
  readonly to: string;
  /** Where it comes from, as apt names it, such as `Debian-Security:12/oldstable-security`. */
  readonly origin: string;
  readonly isSecurity: boolean;
}

export interface PackageResources {
  /**
   * Versions of several packages at once, changed in one transaction of apt: `id` is their names with the architecture
   * (`libc6:amd64`), sorted, by comma. The value has the versions in that order.
   */
  readonly 'package.versions': { readonly versions: readonly string[] };
}

export interface PackageTasks {
  /** Fetches the lists of what there is. */
  readonly 'package.refresh': Readonly<Record<string, never>>;
}

export interface PackageQueries {
  /** What an upgrade would bring, from the lists as they are; nothing is fetched. Packages on hold are left out. */
  readonly 'package.updates': {
    readonly args: Readonly<Record<string, never>>;
    readonly answer: {
      readonly updates: readonly PackageUpdate[];
      /** Unix ms of the last refresh of the lists; null: never. */
      readonly listsFrom: number | null;
      /** Packages that dpkg has left half done; must be put right first. */
      readonly broken: readonly string[];
    };
  };
}
