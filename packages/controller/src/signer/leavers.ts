import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, writeDurably } from '@hauban/link';
import { HaubanError, type ErrorCode } from '@hauban/shared/errors';
import {
  list,
  literal,
  object,
  parseJson,
  text,
  UUID_PATTERN,
  type Assertion,
  type Bundle,
} from '@hauban/shared/protocol';

/**
 * Operators of the policy bundle who have left, as the controller says: nothing is signed for them nor by their approval
 * from then on. It proves nothing to anybody, so it can only take away: it grows until a bundle lists somebody no more,
 * and never leaves fewer owners than the next bundle needs.
 */
export interface Leavers {
  has(id: string): boolean;
  /** On disk before it counts. Null: done, or of no matter because the bundle does not list them. */
  add(id: string, bundle: Bundle | null): LeaverRefusal | null;
  /** The next bundle is in force: who is not in it needs no mark. */
  keepTo(bundle: Bundle): void;
}
export interface LeaverRefusal {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly detail: string;
}

const checkFile = object({
  v: literal(1),
  is: literal('hauban-left'),
  operators: list(text(36, { pattern: new RegExp(UUID_PATTERN) }), 500),
});

function load(path: string): Set<string> {
  if (!existsSync(path)) return new Set();
  const parsed = parseJson(checkFile, readFileSync(path, 'utf8'));
  if (parsed.ok) return new Set(parsed.value.operators);
  throw new HaubanError(
    'CONFIG_BAD',
    `The list of who has left ${path} is damaged (${parsed.problem}): bring the signer's folder back from a backup.`,
  );
}

/** Whoever can have orders refused must not be able to make the bundle one that nobody can replace. */
function checkOwnersLeft(id: string, has: (id: string) => boolean, bundle: Bundle): LeaverRefusal | null {
  if (bundle.operators.find((operator) => operator.id === id)?.isOwner !== true) return null;
  const owners = bundle.operators.filter(
    (operator) => operator.isOwner && operator.credentials.length > 0 && operator.id !== id && !has(operator.id),
  );
  return owners.length >= bundle.quorum
    ? null
    : {
        ok: false,
        code: 'BUNDLE_UNUSABLE',
        detail: `Without this owner ${owners.length} are left, and ${bundle.quorum} have to approve the next policy bundle: bring that one into force first.`,
      };
}

export function loadLeavers(keyDir: string): Leavers {
  const path = join(keyDir, 'left.json');
  let left = load(path);
  const store = (next: Set<string>): void => {
    const file = { v: 1, is: 'hauban-left', operators: [...next].toSorted() };
    writeDurably(path, `${canonicalJson(file)}\n`, { mode: 0o600 });
    left = next;
  };
  const has = (id: string): boolean => left.has(id);
  return {
    has,
    add: (id, bundle) => {
      if (has(id) || bundle?.operators.some((operator) => operator.id === id) !== true) return null;
      const refused = checkOwnersLeft(id, has, bundle);
      if (refused === null) store(new Set([...left, id]));
      return refused;
    },
    keepTo: ({ operators }) => {
      const listed = new Set(operators.map(({ id }) => id));
      const kept = new Set([...left].filter((id) => listed.has(id)));
      if (kept.size < left.size) store(kept);
    },
  };
}

/** No approval of theirs counts, of an order, a bundle or a step. */
export function checkApproversHere(
  approvals: readonly Assertion[],
  leavers: Pick<Leavers, 'has'>,
): LeaverRefusal | null {
  return approvals.some(({ operator }) => leavers.has(operator))
    ? { ok: false, code: 'APPROVAL_OPERATOR', detail: 'It is approved by somebody who has left.' }
    : null;
}
