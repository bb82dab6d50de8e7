/**
 * The link key of this controller, which nodes are pinned to: the one that it proves itself with, and the signed steps by
 * which nodes follow from each former one (rules KEYS19 to KEYS23).
 */
import { peekJws, type ControllerIdentity, type KeyPair } from '@hauban/link';
import {
  checkLinkStep,
  MOST_LINK_ITEMS,
  parseWith,
  type LinkItem,
  type LinkStep,
  type SignedLinkStep,
} from '@hauban/shared/protocol';
import type { TrustState } from '@hauban/shared/api';
import type { Log } from '../runtime/index.ts';
import type { AuthorityService } from './authority.service.ts';
import type { LinkKeysRepository } from './link-keys.repository.ts';

export interface LinkKeysParts {
  readonly repository: Pick<LinkKeysRepository, 'after'>;
  /** As it was when this process began. */
  readonly identity: ControllerIdentity;
  /** The private half of that public key, from this machine's folder; null: it is not there. */
  readonly loadKey: (publicText: string) => KeyPair | null;
  readonly log: Pick<Log, 'info' | 'error'>;
}

interface KnownStep {
  readonly signed: SignedLinkStep;
  readonly step: LinkStep;
}

/** Nothing is verified: nodes do. */
function read(signed: SignedLinkStep): KnownStep[] {
  const peeked = peekJws(signed.byAuthority);
  const parsed = peeked.ok ? parseWith(checkLinkStep, peeked.payload) : null;
  return parsed?.ok === true ? [{ signed, step: parsed.value }] : [];
}

export class LinkKeysService {
  readonly #parts: LinkKeysParts;
  #key: KeyPair;
  #steps: readonly KnownStep[] = [];
  /** For the gateway, the audit log and join tokens: always the key in force. */
  readonly identity: ControllerIdentity;

  constructor(parts: LinkKeysParts) {
    this.#parts = parts;
    this.#key = parts.identity.key;
    const current = (): KeyPair => this.#key;
    this.identity = {
      controllerId: parts.identity.controllerId,
      get key() {
        return current();
      },
    };
  }

  /** Of the key that this process proves itself with. */
  get version(): number {
    return this.#used().length + 1;
  }

  /** As they were signed, oldest first. */
  get steps(): readonly SignedLinkStep[] {
    return this.#steps.map(({ signed }) => signed);
  }

  get last(): LinkStep | null {
    return this.#used().at(-1)?.step ?? null;
  }

  /** What the database has; true when this process has another key than before. */
  async refresh(): Promise<boolean> {
    const { repository, loadKey, log } = this.#parts;
    const more = await repository.after(this.#steps.length + 1);
    if (more.length === 0) return false;
    this.#steps = [...this.#steps, ...more.flatMap(read)];
    const next = this.#steps.at(-1)?.step.next ?? this.#key.publicText;
    if (next === this.#key.publicText) return false;
    const key = loadKey(next);
    if (key === null) {
      log.error({ linkKey: next }, 'the link key was replaced, but the new one is not on this machine');
      return false;
    }
    this.#key = key;
    log.info({ version: this.version }, 'the link key was replaced');
    return true;
  }

  /** From that link key to the one in force, each authority key before the steps that it signs. */
  after(pinned: string, authority: Pick<AuthorityService, 'after'>): readonly LinkItem[] {
    const steps = this.#used();
    const at = steps.findIndex(({ step }) => step.before === pinned);
    if (at < 0) return [];
    let known = steps[at - 1]?.step.authority ?? 1;
    const items: LinkItem[] = [];
    for (const { signed, step } of steps.slice(at)) {
      const between = authority.after(known).slice(0, Math.max(0, step.authority - known));
      items.push(...between.map((one) => ({ ...one, approvals: [] })), signed);
      known = Math.max(known, step.authority);
    }
    return items.slice(0, MOST_LINK_ITEMS);
  }

  state(nodes: readonly { readonly linkKey: string | null }[]): TrustState['linkKey'] {
    const { last } = this;
    return {
      version: this.version,
      since: last?.issuedAt ?? null,
      retireAt: last?.retireAt ?? null,
      followed: nodes.filter(({ linkKey }) => linkKey === this.#key.publicText).length,
      nodes: nodes.length,
    };
  }

  /** Up to the key that this process has. */
  #used(): readonly KnownStep[] {
    const at = this.#steps.findIndex(({ step }) => step.next === this.#key.publicText);
    return this.#steps.slice(0, at + 1);
  }
}
