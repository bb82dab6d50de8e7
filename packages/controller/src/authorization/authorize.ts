import { isPlaceCovered, type AccessRule } from '@hauban/shared/api';
import type { Access, Need } from './need.ts';

/** What a rule is held against: a node as the controller knows it, or the fleet as a whole. */
export type Target =
  | { readonly kind: 'fleet' }
  | {
      readonly kind: 'node';
      readonly id: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly roles: readonly string[];
    };

/** What a person holds: the rules of the role, and those of the API token when the request came by one with a scope. */
export interface Grant {
  readonly personId: string;
  readonly role: string;
  readonly rules: readonly AccessRule[];
  readonly scope: readonly AccessRule[] | null;
}

export type AccessRequest =
  /** May this person call routes of that level at all? Decided before the body is read. */
  | { readonly kind: 'enter'; readonly access: Access }
  /** May this person do that on every one of these targets? They are expanded before, none is left out. */
  | {
      readonly kind: 'use';
      readonly right: Need;
      /** Of an action. */
      readonly action?: string;
      /** User of a shell; null: not chosen yet, so every user has to be allowed. */
      readonly user?: string | null;
      /** Who opened the shell that is attached to. */
      readonly openedBy?: string;
      readonly targets: readonly Target[];
      /** People who approved it. `not-asked`: it waits for them before it is done, or somebody has asked them before. */
      readonly approvedBy?: readonly string[] | 'not-asked';
      /** Unix ms. */
      readonly at: number;
    };

/** Why not, from the first thing that is looked at to the last. */
export type Denial =
  | 'unknown-role'
  | 'no-target'
  | 'no-right'
  | 'not-here'
  | 'not-as-this-user'
  | 'not-now'
  | 'needs-approval'
  | 'token-scope';

export type Verdict =
  /** Each rule that decided about a target, by name. */
  { readonly allowed: true; readonly rule: string } | { readonly allowed: false; readonly why: Denial };

/** By which role and which of its rules something was allowed, as they were called then: for the audit log. */
export interface Decision {
  readonly role: string;
  readonly rule: string;
  /** It waits until another person has approved it; else absent. */
  readonly needsApproval?: true;
}

/** What somebody wants to do somewhere. */
export type Use = Extract<AccessRequest, { readonly kind: 'use' }>;
const ORDER: readonly Denial[] = ['no-right', 'not-here', 'not-as-this-user', 'not-now', 'needs-approval'];

/** `action:*`, `action:php.*` or the very name. */
function coversAction(pattern: string, action: string): boolean {
  if (!pattern.startsWith('action:')) return false;
  const wanted = pattern.slice('action:'.length);
  if (wanted === '*' || wanted === action) return true;
  return wanted.endsWith('.*') && action.startsWith(wanted.slice(0, -1));
}

const isOwnShell = ({ right, openedBy }: Use, personId: string): boolean => right === 'attach' && openedBy === personId;

/** Attaching to one's own shell takes the right to open one; to another's, a right of its own. */
function coversRight(what: readonly string[], request: Use, personId: string): boolean {
  if (request.right === 'action') return what.some((pattern) => coversAction(pattern, request.action ?? ''));
  if (isOwnShell(request, personId)) return what.includes('shell');
  return what.includes(request.right);
}

function coversPlace(where: AccessRule['where'], target: Target): boolean {
  return target.kind === 'fleet' ? where === 'everywhere' : isPlaceCovered(where, target);
}

function coversUser({ runAs }: AccessRule['how'], request: Use): boolean {
  if (request.right !== 'shell' && request.right !== 'attach') return true;
  if (runAs.includes('*')) return true;
  return typeof request.user === 'string' && runAs.includes(request.user);
}

const DAY_MINUTES = 1440;

function coversTime({ window }: AccessRule['how'], atMs: number): boolean {
  if (window === null) return true;
  const at = new Date(atMs);
  const minute = at.getUTCHours() * 60 + at.getUTCMinutes();
  const { days, fromMinute, toMinute } = window;
  if (fromMinute <= toMinute) return days.includes(at.getUTCDay()) && minute >= fromMinute && minute < toMinute;
  // Past midnight it is still the window of the day before.
  const isEvening = minute >= fromMinute && minute < DAY_MINUTES;
  return isEvening ? days.includes(at.getUTCDay()) : minute < toMinute && days.includes((at.getUTCDay() + 6) % 7);
}

/** Nobody approves for oneself. One's own shell was approved when it was opened. */
function isApproved({ needsApproval }: AccessRule['how'], request: Use, personId: string): boolean {
  const { approvedBy = [] } = request;
  if (!needsApproval || approvedBy === 'not-asked' || isOwnShell(request, personId)) return true;
  return approvedBy.some((approver) => approver !== personId);
}

/** What one rule says: null = it allows. */
function objectionOf(rule: AccessRule, request: Use, target: Target, personId: string): Denial | null {
  if (!coversRight(rule.what, request, personId)) return 'no-right';
  if (!coversPlace(rule.where, target)) return 'not-here';
  if (!coversUser(rule.how, request)) return 'not-as-this-user';
  if (!coversTime(rule.how, request.at)) return 'not-now';
  return isApproved(rule.how, request, personId) ? null : 'needs-approval';
}

/** The first rule that allows decides; else the objection of the rule that came nearest is told. */
function judge(rules: readonly AccessRule[], request: Use, target: Target, personId: string): Verdict {
  let nearest: Denial = 'no-right';
  for (const rule of rules) {
    const objection = objectionOf(rule, request, target, personId);
    if (objection === null) return { allowed: true, rule: rule.name };
    if (ORDER.indexOf(objection) > ORDER.indexOf(nearest)) nearest = objection;
  }
  return { allowed: false, why: nearest };
}

const ACTS = /^(?:action:.+|shell|edit-node)$/;

/** The level of routes that a set of rules opens, wherever they hold. */
function opens(rules: readonly AccessRule[], access: Exclude<Access, 'public'>): boolean {
  const rights = rules.flatMap(({ what }) => what);
  if (access === 'owner') return rights.includes('admin');
  return access === 'signed-in' ? rights.length > 0 : rights.some((right) => ACTS.test(right));
}

function enter(grant: Grant, access: Access): Verdict {
  if (access === 'public') return { allowed: true, rule: 'public' };
  if (!opens(grant.rules, access)) return { allowed: false, why: 'no-right' };
  if (grant.scope !== null && !opens(grant.scope, access)) return { allowed: false, why: 'token-scope' };
  return { allowed: true, rule: grant.role };
}

/** The one decision. Pure; what it does not know, it denies. */
export function authorize(grant: Grant, request: AccessRequest): Verdict {
  if (grant.rules.length === 0) return { allowed: false, why: 'unknown-role' };
  if (request.kind === 'enter') return enter(grant, request.access);
  const rules = new Set<string>();
  for (const target of request.targets) {
    const verdict = judge(grant.rules, request, target, grant.personId);
    if (!verdict.allowed) return verdict;
    const scoped = grant.scope === null ? null : judge(grant.scope, request, target, grant.personId);
    if (scoped?.allowed === false)
      return { allowed: false, why: scoped.why === 'needs-approval' ? scoped.why : 'token-scope' };
    rules.add(verdict.rule);
  }
  return rules.size === 0 ? { allowed: false, why: 'no-target' } : { allowed: true, rule: [...rules].join(', ') };
}

/** The same for what can wait: `waits` when nothing but another person's approval is missing, on every target. */
export function authorizeOrWait(grant: Grant, request: Use): Verdict | { readonly waits: true; readonly rule: string } {
  const verdict = authorize(grant, request);
  if (verdict.allowed || verdict.why !== 'needs-approval') return verdict;
  const later = authorize(grant, { ...request, approvedBy: 'not-asked' });
  return later.allowed ? { waits: true, rule: later.rule } : later;
}
