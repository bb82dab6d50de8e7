/**
 * Trust: the policy bundle as it is drafted from people and passkeys, approved by owners, signed by the signer and sent to
 * the nodes; and what runs and shells need of people before they are signed. This side prepares and shows. Who decides is
 * the executor on each node, and before it the signer; a wrong number computed here costs a refusal there.
 */
import { bundleChallenge, bundleHash, parseBundle, peekJws, verifyAssertion } from '@hauban/link';
import type { TrustDraftRequest, TrustState } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import type { Assertion, Bundle, LinkItem, SignedBundle, TrustItem } from '@hauban/shared/protocol';
import type { Clock, Timer } from '@hauban/shared/time';
import type { AuditService } from '../audit/audit.service.ts';
import type { Transact } from '../db/transaction.ts';
import type { Log } from '../runtime/index.ts';
import { assertionsOf, type ApprovalsRepository } from './approvals.repository.ts';
import type { AuthorityService } from './authority.service.ts';
import type { BundlesRepository, DraftRecord } from './bundles.repository.ts';
import { accessOf, draftBundle, type MadeRoles } from './draft-bundle.ts';
import type { LinkKeysService } from './link-keys.service.ts';
import { missingTrust } from './missing-trust.ts';
import type { TrustCaller } from './trust-caller.ts';
import { inOrder } from './trust-items.ts';
import { toVersion } from './trust-version.ts';
import { parseAnswer, requestOptions } from './webauthn-answer.ts';

export interface TrustParts {
  readonly repository: BundlesRepository;
  readonly approvals: ApprovalsRepository;
  readonly signer: {
    signBundle(bundle: Bundle, approvals: readonly Assertion[]): Promise<SignedBundle>;
    bundle(version: number | null): Promise<SignedBundle | null>;
    leave(operator: string): Promise<void>;
  };
  readonly authority: Pick<AuthorityService, 'version' | 'after' | 'refresh' | 'fetch' | 'state'>;
  readonly linkKeys: Pick<LinkKeysService, 'after' | 'refresh' | 'state'>;
  readonly audit: AuditService;
  readonly transaction: Transact;
  readonly clock: Clock;
  readonly log: Log;
  readonly controllerId: string;
  /** Where passkeys work here; null: nowhere. */
  readonly site: { readonly rpId: string; readonly origins: readonly string[] } | null;
  /** Why the signer would not sign such a bundle, in a sentence; null when it would. */
  /** Rules of the roles that owners have made, by name. */
  readonly madeRoles: () => Promise<MadeRoles>;
  readonly problemOf: (bundle: Bundle) => string | null;
  /** Nodes that are connected here. */
  readonly links: () => readonly {
    readonly nodeId: string;
    sendBundles(items: readonly TrustItem[]): unknown;
    sendLinkSteps(items: readonly LinkItem[]): unknown;
  }[];
}

const AT_ONCE = 50;
/** A message of the link holds a megabyte. */
const MESSAGE_BYTES = 900_000;
/** A version that another controller brought into force is known here after this. */
const LOOK_AGAIN_MS = 5_000;

/** The text of a bundle that was signed elsewhere; null when it is none. Nothing is verified: nodes and signer do. */
function read(signed: SignedBundle | null): Bundle | null {
  if (signed === null) return null;
  const peeked = peekJws(signed.jws);
  const parsed = peeked.ok ? parseBundle(peeked.payload) : null;
  return parsed?.ok === true ? parsed.value : null;
}

/** The rules of a version, for the next one. */
function rulesOf({ quorum, needs, limits, requesterMayApprove, custom }: Bundle): TrustDraftRequest {
  return {
    ...{ quorum, needs, limits },
    custom: custom?.map((pin) => ({ ...pin })) ?? null,
    ...(requesterMayApprove === undefined ? {} : { requesterMayApprove }),
  };
}

interface Held {
  readonly version: number;
  readonly authority: number;
  readonly linkKey: string;
}

/** What a node lacks; `isAll`: with these it lacks nothing. */
export interface Lacking {
  readonly items: readonly TrustItem[];
  readonly isAll: boolean;
}

export class TrustService {
  readonly #parts: TrustParts;
  /** What each node was known to hold, so that the same word is stored once. */
  readonly #said = new Map<string, Held>();
  /** Who has left, as the signer was told by this controller. */
  readonly #told = new Set<string>();
  #current: Bundle | null = null;
  #timer: Timer | null = null;

  constructor(parts: TrustParts) {
    this.#parts = parts;
  }

  /** The bundle in force, as far as this controller knows. */
  get current(): Bundle | null {
    return this.#current;
  }

  /** What the signer has and the database has not (an old backup, a crash in between) is fetched; without the signer, later. */
  async start(): Promise<void> {
    await this.#refresh();
    await this.#beat();
    this.#timer = this.#parts.clock.every(LOOK_AGAIN_MS, () => void this.#beat());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async state(): Promise<TrustState> {
    const { repository, approvals, site } = this.#parts;
    await this.#refresh();
    const current = this.#current;
    const [people, madeRoles, nodes, draft] = await Promise.all([
      repository.candidates(),
      this.#parts.madeRoles(),
      repository.nodes(),
      repository.draft(),
    ]);
    const given = draft === null ? [] : await approvals.given([draft.hash]);
    return {
      current: current === null ? null : toVersion(current),
      draft:
        draft === null
          ? null
          : {
              bundle: toVersion(draft.bundle),
              draftedBy: draft.draftedBy,
              draftedAt: draft.draftedAt,
              needed: (current ?? draft.bundle).quorum,
              approvedBy: given.map(({ name }) => name),
            },
      nodes: nodes.map(({ linkKey: _key, ...node }) => node),
      authority: await this.#parts.authority.state(nodes),
      linkKey: this.#parts.linkKeys.state(nodes),
      missing: missingTrust({ current, people, access: accessOf(people, madeRoles), nodes, hasSite: site !== null }),
    };
  }

  async draft(request: TrustDraftRequest, caller: TrustCaller): Promise<TrustState> {
    const { repository, transaction, audit, clock, controllerId, site } = this.#parts;
    if (site === null)
      throw new HaubanError('BAD_REQUEST', 'Passkeys need https or localhost; this address has neither.');
    await this.#refresh();
    const [people, madeRoles] = await Promise.all([repository.candidates(), this.#parts.madeRoles()]);
    const at = clock.nowMs();
    const drafted = draftBundle(request, { controllerId, current: this.#current, people, madeRoles, site, at });
    const parsed = parseBundle(drafted);
    if (!parsed.ok) throw new HaubanError('BUNDLE_MALFORMED', `The draft is not well-formed: ${parsed.problem}.`);
    const bundle = parsed.value;
    const problem = this.#parts.problemOf(bundle);
    if (problem !== null)
      throw new HaubanError('BUNDLE_UNUSABLE', `Such a bundle would lock everybody out: ${problem}.`);
    const hash = bundleHash(bundle);
    await transaction(async (tx) => {
      await repository.setDraft(tx, { bundle, hash, draftedBy: caller.name, draftedAt: at });
      const detail = { version: bundle.version, hash, operators: bundle.operators.map(({ name }) => name) };
      audit.record(tx, { code: 'A7000I', who: caller.name, address: caller.address, detail });
    });
    return await this.state();
  }

  /** A step of the authority key is in force: to everybody. */
  async authorityChanged(): Promise<TrustState> {
    await this.#distribute();
    return await this.state();
  }

  /**
   * Somebody has been offboarded: where the bundle lists them, its next version is drafted without, with the rules of the
   * draft that was there. What owners have to do, a sentence each.
   */
  async leave(person: { readonly id: string; readonly name: string }, by: TrustCaller): Promise<readonly string[]> {
    await this.#refresh();
    const current = this.#current;
    if (current?.operators.some(({ id }) => id === person.id) !== true) return [];
    const { name } = person;
    const counts = `Policy bundle version ${current.version} lists ${name}: the controller takes no approval of ${name} any more, but the nodes go by that version until the next one is in force.`;
    const signer = await this.#tellSigner(person);
    try {
      const before = await this.#parts.repository.draft();
      await this.draft(rulesOf(before?.bundle ?? current), by);
      const owners = current.quorum === 1 ? 'one owner' : `${current.quorum} owners`;
      return [
        counts,
        signer,
        `Version ${current.version + 1} without ${name} is drafted: it waits for the approval of ${owners}.`,
      ];
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      return [counts, signer, `The next version could not be drafted. ${error.detail}`];
    }
  }

  /** One sentence: how it went. What failed is tried again at each beat. */
  async #tellSigner({ id, name }: { readonly id: string; readonly name: string }): Promise<string> {
    const { signer, audit } = this.#parts;
    if (this.#told.has(id)) return `The signer signs nothing for ${name} any more.`;
    try {
      await signer.leave(id);
      this.#told.add(id);
      await audit.recordAlone({ code: 'A7008W', who: 'system', detail: { operator: id, name } });
      return `The signer signs nothing for ${name} any more.`;
    } catch (error) {
      if (!(error instanceof HaubanError)) throw error;
      const detail = { operator: id, name, code: error.code, says: error.detail };
      // Said once: the beat goes on asking only while the signer does not answer.
      if (error.code !== 'UNAVAILABLE') {
        this.#told.add(id);
        await audit.recordAlone({ code: 'A7009W', who: 'system', detail });
      }
      return `The signer goes by that version too: ${error.detail}`;
    }
  }

  async #tellOfLeavers(): Promise<void> {
    const unsaid = (this.#current?.operators ?? []).filter(({ id }) => !this.#told.has(id));
    const left = await this.#parts.repository.leftOf(unsaid.map(({ id }) => id));
    for (const operator of unsaid) if (left.has(operator.id)) await this.#tellSigner(operator);
  }

  async options(caller: TrustCaller): Promise<object> {
    const { bundle } = await this.#needDraft();
    return requestOptions(this.#current ?? bundle, caller.personId, bundleChallenge(bundle));
  }

  /** An owner's answer. With the last one that is needed the bundle is signed and sent. */
  async approve(hash: string, answer: unknown, caller: TrustCaller): Promise<TrustState> {
    const { approvals, transaction, audit, clock } = this.#parts;
    const draft = await this.#needDraft();
    if (draft.hash !== hash) throw new HaubanError('CONFLICT', 'There is another draft meanwhile: look at it first.');
    let assertion: Assertion;
    try {
      assertion = this.#verify(draft.bundle, answer, caller);
    } catch (error) {
      await this.#refused(error, caller, draft.bundle.version);
      throw error;
    }
    const isNew = await transaction(async (tx) => {
      const { personId: operator, name, address } = caller;
      const given = await approvals.give(tx, { subject: hash, operator, name, assertion, givenAt: clock.nowMs() });
      if (given)
        audit.record(tx, { code: 'A7001I', who: name, address, detail: { version: draft.bundle.version, hash } });
      return given;
    });
    // Once more is of use when the signer was away at the last one that was needed.
    if (!(await this.#activate(draft, caller)) && !isNew)
      throw new HaubanError('APPROVAL_REPEATED', 'You have approved this draft already.');
    return await this.state();
  }

  /** After each `status`: the versions that the node lacks, oldest first (rule BUNDLE4). */
  async nodeStatus(nodeId: string, held: Held): Promise<Lacking> {
    const { repository, clock } = this.#parts;
    const said = this.#said.get(nodeId);
    const isNews = said?.version !== held.version || said.authority !== held.authority || said.linkKey !== held.linkKey;
    if (isNews) {
      await repository.nodeSaid(nodeId, held, clock.nowMs());
      this.#said.set(nodeId, held);
    }
    return this.#lacksNothing(held) ? { items: [], isAll: true } : this.#after(held);
  }

  /** From that link key to the one in force (rules KEYS20, KEYS21). */
  linkSteps(pinned: string): readonly LinkItem[] {
    return this.#parts.linkKeys.after(pinned, this.#parts.authority);
  }

  #lacksNothing({ version, authority }: Pick<Held, 'version' | 'authority'>): boolean {
    return version >= (this.#current?.version ?? 0) && authority >= this.#parts.authority.version;
  }

  async #after({ version, authority }: Pick<Held, 'version' | 'authority'>): Promise<Lacking> {
    let bytes = 0;
    const bundles = await this.#parts.repository.after(version, AT_ONCE + 1);
    const all = inOrder(bundles, this.#parts.authority.after(authority));
    const items = all.slice(0, AT_ONCE).filter((item) => {
      bytes += JSON.stringify(item).length;
      return bytes <= MESSAGE_BYTES;
    });
    return { items, isAll: items.length === all.length };
  }

  async #needDraft(): Promise<DraftRecord> {
    await this.#refresh();
    const draft = await this.#parts.repository.draft();
    if (draft === null) throw new HaubanError('NOT_FOUND', 'There is no draft of a policy bundle: make one first.');
    if (draft.bundle.version !== (this.#current?.version ?? 0) + 1)
      throw new HaubanError('CONFLICT', 'The draft follows on an older policy bundle: make a new one.');
    return draft;
  }

  /** By the bundle in force; the first one by itself. The signer checks the same once more. */
  #verify(draft: Bundle, answer: unknown, caller: TrustCaller): Assertion {
    const assertion = parseAnswer(answer, caller.personId);
    const verified = verifyAssertion(assertion, bundleChallenge(draft), this.#current ?? draft);
    if (!verified.ok) throw new HaubanError(verified.code, `The approval is not accepted: ${verified.detail}.`);
    if (!verified.operator.isOwner)
      throw new HaubanError('APPROVAL_OPERATOR', 'Only owners of the policy bundle approve the next one.');
    return assertion;
  }

  async #refused(error: unknown, caller: TrustCaller, version: number): Promise<void> {
    if (!(error instanceof HaubanError)) return;
    const detail = { version, code: error.code, says: error.detail };
    await this.#parts.audit.recordAlone({ code: 'A7003W', who: caller.name, address: caller.address, detail });
  }

  /** False: it needs more approvals. */
  async #activate(draft: DraftRecord, caller: TrustCaller): Promise<boolean> {
    const { approvals, signer } = this.#parts;
    const given = await approvals.given([draft.hash]);
    if (given.length < (this.#current ?? draft.bundle).quorum) return false;
    try {
      const signed = await signer.signBundle(draft.bundle, assertionsOf(given));
      await this.#store(signed, draft.bundle, caller.name);
      return true;
    } catch (error) {
      await this.#refused(error, caller, draft.bundle.version);
      throw error;
    }
  }

  async #store(signed: SignedBundle, bundle: Bundle, who: string): Promise<void> {
    const { repository, approvals, transaction, audit, clock } = this.#parts;
    const hash = bundleHash(bundle);
    await transaction(async (tx) => {
      if (await repository.add(tx, { version: bundle.version, signed, storedAt: clock.nowMs() })) {
        const approvedBy = signed.approvals.map(({ operator }) => operator);
        audit.record(tx, { code: 'A7002I', who, detail: { version: bundle.version, hash, approvedBy } });
      }
      await repository.deleteDraft(tx, hash);
      await approvals.forget(tx, hash);
    });
    this.#current = bundle;
    await this.#distribute();
  }

  /** To every node that is connected here, what it lacks. */
  async #distribute(): Promise<void> {
    for (const link of this.#parts.links()) {
      const held = this.#said.get(link.nodeId);
      if (held === undefined) continue;
      link.sendLinkSteps(this.linkSteps(held.linkKey));
      if (this.#lacksNothing(held)) continue;
      link.sendBundles((await this.#after(held)).items);
    }
  }

  async #refresh(): Promise<void> {
    const newest = read(await this.#parts.repository.newest());
    const isNewer = (newest?.version ?? 0) > (this.#current?.version ?? 0);
    const hasNewAuthority = await this.#parts.authority.refresh();
    const hasNewKey = (await this.#parts.linkKeys.refresh()) || hasNewAuthority;
    if (isNewer) this.#current = newest;
    if (isNewer || hasNewKey) await this.#distribute();
  }

  async #beat(): Promise<void> {
    const { signer, log } = this.#parts;
    try {
      await this.#refresh();
      const { version } = this.#parts.authority;
      await this.#parts.authority.fetch();
      if (this.#parts.authority.version > version) await this.#distribute();
      for (;;) {
        const signed = await signer.bundle((this.#current?.version ?? 0) + 1);
        const bundle = read(signed);
        if (signed === null || bundle === null) return await this.#tellOfLeavers();
        await this.#store(signed, bundle, 'system');
      }
    } catch (error) {
      log.warn({ err: error }, 'policy bundles could not be compared with the signer');
    }
  }
}
