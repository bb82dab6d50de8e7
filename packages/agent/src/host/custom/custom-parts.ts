import type { CustomPin } from '@hauban/shared/policy';
import type { Trust } from '../safe-path.ts';

/** What pins the bytes of an action, or why nothing does. */
export type PinAnswer =
  | { readonly ok: true; readonly pin: CustomPin }
  | { readonly ok: false; readonly detail: string };

/** Where the hoster's own programs lie, and what is to become of them. */
export interface CustomParts {
  /** `/etc/hauban/actions` */
  readonly folder: string;
  /** For private copies: others must be able to pass through it. */
  readonly copies: string;
  readonly trust: Trust;
  /** Asked each time: policy file and policy bundle may be others than before. */
  readonly pinOf: (name: string) => PinAnswer;
  /** What a program of the action with this name prints while it runs. */
  readonly printed: (name: string, text: string) => void;
}
