import type { ShellExit } from '@hauban/shared/protocol';

/**
 * Where one attached shell stands.
 *
 *   connecting -> open -> ended                       ended: the exit frame came, or the record says so
 *        ^          |
 *        |        lost
 *        |          v
 *        +---- reconnecting -> failed                 failed: refused for good, or lost for too long
 */
export type ShellState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | { readonly kind: 'reconnecting' }
  | { readonly kind: 'ended'; readonly exit: ShellExit | null; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string };
