import { defineCustom, type ActionDefinition, type CustomSource } from '@hauban/shared/actions';
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import { checkPin, listCustomFolders, readCustomFolder, type CustomParts } from '../host/index.ts';

/** What an order may name: actions of ours, and those of the hoster. */
export interface ActionSource {
  get(name: string): ActionDefinition | undefined;
  /** Why there is none of this name, when more is known than that. */
  whyNot(name: string): { readonly code: ErrorCode; readonly detail: string } | null;
}

type Loaded =
  | { readonly ok: true; readonly source: CustomSource; readonly action: ActionDefinition }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

const PREFIX = 'custom.';

/**
 * The hoster's own actions on this node. Each is read anew for each order, so that an edit counts at once; what is not
 * root's, or not what the policy file has pinned, is no action.
 */
export class CustomCatalogue implements ActionSource {
  readonly #builtIn: ReadonlyMap<string, ActionDefinition>;
  readonly #parts: Pick<CustomParts, 'folder' | 'trust' | 'pinOf'> | null;
  #loaded = new Map<string, Loaded>();

  /** @param parts null: this node takes no custom actions */
  constructor(
    builtIn: ReadonlyMap<string, ActionDefinition>,
    parts: Pick<CustomParts, 'folder' | 'trust' | 'pinOf'> | null,
  ) {
    this.#builtIn = builtIn;
    this.#parts = parts;
  }

  get(name: string): ActionDefinition | undefined {
    const loaded = this.#loaded.get(name);
    // A name of ours is never the hoster's.
    return this.#builtIn.get(name) ?? (loaded?.ok === true ? loaded.action : undefined);
  }

  whyNot(name: string): { readonly code: ErrorCode; readonly detail: string } | null {
    const loaded = this.#loaded.get(name);
    return loaded?.ok === false ? loaded : null;
  }

  /** Those that can be ordered. */
  sources(): readonly CustomSource[] {
    return [...this.#loaded.values()].flatMap((loaded) => (loaded.ok ? [loaded.source] : []));
  }

  /** Reads that one again; nothing for a name of ours. */
  async refresh(name: string): Promise<void> {
    if (!name.startsWith(PREFIX) || this.#parts === null) return;
    this.#loaded.set(name, await this.#load(name.slice(PREFIX.length)));
  }

  /** Reads all of them again. */
  async refreshAll(): Promise<void> {
    if (this.#parts === null) return;
    try {
      const names = await listCustomFolders(this.#parts.folder, this.#parts.trust);
      const entries = await Promise.all(
        names.map(async (name) => [`${PREFIX}${name}`, await this.#load(name)] as const),
      );
      this.#loaded = new Map(entries);
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      this.#loaded = new Map();
    }
  }

  async #load(name: string): Promise<Loaded> {
    if (this.#parts === null) throw new TypeError('there is no folder for custom actions');
    const { folder, trust, pinOf } = this.#parts;
    try {
      const { manifest, hash } = await readCustomFolder(folder, name, trust);
      checkPin({ name, manifest, hash }, pinOf(name));
      const source: CustomSource = { name, hash, manifest };
      return { ok: true, source, action: defineCustom(source) };
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      return { ok: false, code: error.code, detail: error.detail };
    }
  }
}
