import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  authorityStepHash,
  authorityVersion,
  canonicalJson,
  followSteps,
  peekJws,
  writeDurably,
  type AuthorityChain,
} from '@hauban/link';
import { HaubanError } from '@hauban/shared/errors';
import {
  checkAuthorityStep,
  checkSignedStep,
  parseJson,
  parseWith,
  type AuthorityStep,
  type SignedStep,
} from '@hauban/shared/protocol';
import { authorityKid, type AuthorityKey } from './authority-key.ts';
import type { KeySource } from './key-source.ts';

/**
 * The authority's keys, the signed steps between them (a file a step, `steps/000002.json` and so on), and which key signs
 * what: bundles and steps the newest, orders the one before it until half of its time is over, so that nodes that follow
 * later are not cut off meanwhile and nothing that it signed outlives its time.
 */
export interface AuthorityRing {
  readonly chain: AuthorityChain;
  readonly steps: readonly SignedStep[];
  readonly newest: AuthorityKey;
  orderKey(nowMs: number): AuthorityKey;
  /** The key that shall be the next, made on first use. */
  candidate(): AuthorityKey;
  /** On disk before it counts: the candidate is the newest from then on. The caller has verified that it follows. */
  add(signed: SignedStep, step: AuthorityStep): void;
  /** Removes the private halves of keys whose time is over. */
  removeRetired(nowMs: number): void;
  close(): void;
}

const FILE = /^\d{6}\.json$/;
const fileOf = (version: number): string => `${String(version).padStart(6, '0')}.json`;

const damaged = (path: string, why: string): HaubanError =>
  new HaubanError(
    'CONFIG_BAD',
    `The step between authority keys ${path} is damaged (${why}): bring the signer's folder back from a backup.`,
  );

function readSteps(folder: string): SignedStep[] {
  const files = readdirSync(folder)
    .filter((name) => FILE.test(name))
    .toSorted();
  return files.map((name, at) => {
    const path = join(folder, name);
    if (name !== fileOf(at + 2)) throw damaged(join(folder, fileOf(at + 2)), 'it is missing');
    const parsed = parseJson(checkSignedStep, readFileSync(path, 'utf8'));
    if (!parsed.ok) throw damaged(path, parsed.problem);
    return parsed.value;
  });
}

/** What the first step says about the key that it replaced, which may be gone, and about whose fleet it is. */
function firstStep(signed: SignedStep | undefined): AuthorityStep | null {
  const peeked = signed === undefined ? null : peekJws(signed.byBefore);
  const parsed = peeked?.ok === true ? parseWith(checkAuthorityStep, peeked.payload) : null;
  return parsed?.ok === true ? parsed.value : null;
}

async function followStored(steps: readonly SignedStep[], folder: string, keys: KeySource): Promise<AuthorityChain> {
  const first = firstStep(steps[0]);
  const root = first?.before ?? keys.open(1).publicText;
  const followed = await followSteps([{ kid: authorityKid(root), key: root }], steps, first?.controller ?? '');
  if (!followed.ok) throw damaged(folder, followed.detail);
  return followed.chain;
}

/** Reads and verifies the whole chain; a gap, a damaged step or another key than it ends with stops the signer. */
export async function loadAuthorityRing(keyDir: string, keys: KeySource): Promise<AuthorityRing> {
  const folder = join(keyDir, 'steps');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const signedSteps = readSteps(folder);
  let chain = await followStored(signedSteps, folder, keys);
  const open = new Map<number, AuthorityKey>();
  const keyOf = (version: number): AuthorityKey => {
    const key = open.get(version) ?? keys.open(version);
    open.set(version, key);
    return key;
  };
  /** Every version below it is gone from its place. */
  let firstKept = 1;
  const newest = (): AuthorityKey => keyOf(authorityVersion(chain));
  const last = chain.steps.at(-1);
  if (last !== undefined && newest().publicText !== last.next)
    throw damaged(folder, 'the key of the signer is not the one that it leads to');
  return {
    get chain() {
      return chain;
    },
    steps: signedSteps,
    get newest() {
      return newest();
    },
    orderKey: (nowMs) => {
      const step = chain.steps.at(-1);
      return step !== undefined && nowMs < (step.issuedAt + step.retireAt) / 2
        ? keyOf(authorityVersion(chain) - 1)
        : newest();
    },
    candidate: () => keyOf(authorityVersion(chain) + 1),
    add: (signed, step) => {
      if (step.previous !== (chain.steps.length === 0 ? null : authorityStepHash(chain.steps.at(-1) ?? step)))
        throw new TypeError('a step is stored after the one before it');
      writeDurably(join(folder, fileOf(step.version)), `${canonicalJson(signed)}\n`, { mode: 0o600 });
      signedSteps.push(signed);
      chain = { ...chain, steps: [...chain.steps, step] };
    },
    removeRetired: (nowMs) => {
      const version = authorityVersion(chain);
      const step = chain.steps.at(-1);
      const kept = step === undefined || nowMs < step.retireAt ? version - 1 : version;
      for (; firstKept < kept; firstKept += 1) {
        open.get(firstKept)?.close();
        open.delete(firstKept);
        keys.destroy(firstKept);
      }
    },
    close: () => {
      for (const key of open.values()) key.close();
      keys.close();
    },
  };
}
