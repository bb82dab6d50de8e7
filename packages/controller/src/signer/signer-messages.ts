import {
  checkAssertions,
  checkAuthorityStep,
  checkLabels,
  checkSignedBundle,
  checkSignedStep,
  flag,
  integer,
  json,
  list,
  literal,
  nullable,
  object,
  parseJson,
  text,
  type Check,
  type Checked,
  type Parsed,
  UUID_PATTERN,
} from '@hauban/shared/protocol';

/** Questions and answers on the signer's socket; `n` pairs an answer with its question. Both ends check what they read. */
const n = integer(0, 2 ** 47);
const jws = text(400_000, { pattern: /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/ });

const place = object({ labels: checkLabels, roles: list(text(32), 6) });
export type NodePlace = Checked<typeof place>;

const questions = {
  keys: object({ t: literal('keys'), n }),
  /** `isQueued`: it may wait for its node, so it asks for the longer life. `place`: labels and roles of its node. */
  sign: object({ t: literal('sign'), n, order: json, isQueued: flag, place: nullable(place) }),
  /** The next policy bundle, with the approvals of its owners. */
  'sign-bundle': object({ t: literal('sign-bundle'), n, bundle: json, approvals: checkAssertions }),
  /** A version of the policy bundle as the signer keeps it; null: the newest. */
  bundle: object({ t: literal('bundle'), n, version: nullable(integer(1, 1_000_000)) }),
  /** What the step to the next authority key would be; the key is made for it. */
  'draft-step': object({
    t: literal('draft-step'),
    n,
    controller: text(36, { pattern: new RegExp(UUID_PATTERN) }),
    overlapMs: integer(0, 2_592_000_000),
  }),
  /** That step, with the approvals of the owners where there are any. */
  'sign-step': object({ t: literal('sign-step'), n, step: json, approvals: checkAssertions }),
  /** Nothing is signed for this operator any more, nor by an approval of theirs. */
  leave: object({ t: literal('leave'), n, operator: text(36, { pattern: new RegExp(UUID_PATTERN) }) }),
  /** The next link key of the controller; allowed by root of this machine. */
  'sign-link-step': object({ t: literal('sign-link-step'), n, step: json }),
  /** The step that led to this version of the key. */
  step: object({ t: literal('step'), n, version: integer(2, 10_000) }),
} as const;

const answers = {
  keys: object({
    t: literal('keys'),
    n,
    keys: list(object({ kid: text(64), key: text(43) }), 8),
    steps: list(checkSignedStep, 50),
  }),
  signed: object({ t: literal('signed'), n, jws }),
  /** Null: there is no such version. */
  bundle: object({ t: literal('bundle'), n, signed: nullable(checkSignedBundle) }),
  'step-draft': object({ t: literal('step-draft'), n, step: checkAuthorityStep }),
  step: object({ t: literal('step'), n, signed: nullable(checkSignedStep) }),
  left: object({ t: literal('left'), n }),
  refused: object({ t: literal('refused'), n, code: text(64), detail: text(500) }),
} as const;

type MessageOf<T extends Record<string, Check<unknown>>> = { [K in keyof T]: Checked<T[K]> }[keyof T];
export type SignerQuestion = MessageOf<typeof questions>;
export type SignerAnswer = MessageOf<typeof answers>;

function parseBy<T>(table: Record<string, Check<T>>, source: string): Parsed<T> {
  const parsed = parseJson(json, source);
  if (!parsed.ok) return parsed;
  const type = typeof parsed.value === 'object' && parsed.value !== null ? (parsed.value as { t?: unknown }).t : null;
  const check = typeof type === 'string' && Object.hasOwn(table, type) ? table[type] : undefined;
  return check === undefined ? { ok: false, problem: 't must be a known type' } : parseJson(check, source);
}

export const parseQuestion = (source: string): Parsed<SignerQuestion> => parseBy<SignerQuestion>(questions, source);
export const parseAnswer = (source: string): Parsed<SignerAnswer> => parseBy<SignerAnswer>(answers, source);
