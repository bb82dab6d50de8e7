import type { CustomPin } from '@hauban/shared/policy';
import type { Trust } from '../safe-path.ts';

/** Where the hoster's own programs lie, and what is to become of them. */
export interface CustomParts {
  /** `/etc/hauban/actions` */
  readonly folder: string;
  /** For private copies: others must be able to pass through it. */
  readonly copies: string;
  readonly trust: Trust;
  /** Root's word, as the policy file has it now; null: none for this name. */
  readonly pinOf: (name: string) => CustomPin | null;
  /** What a program of the action with this name prints while it runs. */
  readonly printed: (name: string, text: string) => void;
}
