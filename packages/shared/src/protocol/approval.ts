import { list, object, text, type Checked } from './check.ts';
import { UUID_PATTERN } from './ids.ts';

/**
 * What an operator's own key says about an order or a bundle: a WebAuthn assertion, checked where the power is (rules
 * APPROVE1 to APPROVE5). All bytes are base64url without padding.
 */
const uuid = text(36, { pattern: new RegExp(UUID_PATTERN) });
const bytes = (max: number) => text(max, { min: 1, pattern: /^[A-Za-z0-9_-]+$/ });

export const checkAssertion = object({
  /** Of the bundle that the node holds. */
  operator: uuid,
  credential: bytes(1400),
  authenticatorData: bytes(2000),
  clientDataJSON: bytes(4000),
  signature: bytes(2000),
});
export type Assertion = Checked<typeof checkAssertion>;

export const checkAssertions = list(checkAssertion, 8);

/**
 * What is approved: everything of an order that decides what happens, and to whom. The challenge of the assertion is the
 * SHA-256 of its canonical JSON, so one touch of a key approves one run on exactly these nodes until `exp`.
 */
export interface ApprovalStatement {
  readonly v: 1;
  readonly is: 'hauban-approval';
  readonly controller: string;
  /** The run, or the session of a shell. A node takes one order of it. */
  readonly run: string;
  /** Id of who asked: nobody else's request is approved with it (rule APPROVE5). */
  readonly requester: string;
  /** Node ids, ascending. */
  readonly targets: readonly string[];
  readonly exp: number;
  readonly reason: string | null;
  readonly what:
    | {
        readonly kind: 'action';
        readonly action: string;
        readonly actionVersion: number;
        readonly args: unknown;
        readonly planHash: string | null;
      }
    /** Each node takes back its own order of that action with those arguments. */
    | {
        readonly kind: 'undo';
        readonly action: string;
        readonly actionVersion: number;
        readonly args: unknown;
      }
    | { readonly kind: 'shell'; readonly user: string };
}
