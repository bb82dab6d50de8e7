import type { AllowRule, ArgumentLimit, NodePolicy, PolicyDecision } from './node-policy.ts';
import { compilePattern, matchesWhole } from './linear-pattern.ts';

const allowed: PolicyDecision = { allowed: true };
const denied = (detail: string): PolicyDecision => ({ allowed: false, detail });

function names(rule: AllowRule, action: string): boolean {
  const noun = action.slice(0, action.indexOf('.'));
  return rule.actions.some((name) => name === '*' || name === action || name === `${noun}.*`);
}

function breaksOne(limit: ArgumentLimit, value: unknown): string | null {
  if (limit.oneOf !== undefined && !limit.oneOf.some((wanted) => wanted === value))
    return `is not one of ${limit.oneOf.join(', ')}`;
  if (limit.pattern !== undefined) {
    const compiled = compilePattern(limit.pattern);
    if (!compiled.ok || typeof value !== 'string' || !matchesWhole(compiled.pattern, value))
      return `does not match ${limit.pattern}`;
  }
  if (limit.min !== undefined && !(typeof value === 'number' && value >= limit.min)) return `is below ${limit.min}`;
  if (limit.max !== undefined && !(typeof value === 'number' && value <= limit.max)) return `is above ${limit.max}`;
  return null;
}

/** A list must keep the limit in each of its entries; an empty list has none that breaks it. */
function breaks(limit: ArgumentLimit, value: unknown): string | null {
  if (value === undefined) return 'is left out, and the policy limits it';
  for (const entry of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
    const problem = breaksOne(limit, entry);
    if (problem !== null) return problem;
  }
  return null;
}

function brokenLimit(rule: AllowRule, args: unknown): string | null {
  const given =
    typeof args === 'object' && args !== null && !Array.isArray(args)
      ? (args as Readonly<Record<string, unknown>>)
      : {};
  for (const [name, limit] of Object.entries(rule.args)) {
    const problem = breaks(limit, Object.hasOwn(given, name) ? given[name] : undefined);
    if (problem !== null) return `argument ${name} ${problem}`;
  }
  return null;
}

/**
 * May this action with these arguments run here? One rule that names the action and whose every limit holds is enough.
 * An argument that a rule limits must be present: a default could lie outside the limit.
 */
export function decideAction(policy: NodePolicy, action: string, args: unknown): PolicyDecision {
  const problems: string[] = [];
  for (const [index, rule] of policy.allow.entries()) {
    if (!names(rule, action)) continue;
    const problem = brokenLimit(rule, args);
    if (problem === null) return allowed;
    problems.push(`rule ${index + 1}: ${problem}`);
  }
  if (problems.length === 0) return denied(`no [[allow]] rule of the node's policy names ${action}`);
  return denied(
    `the node's policy allows ${action} only within limits; ${problems.slice(0, 5).join('; ')}`.slice(0, 400),
  );
}

/** May a shell run as this user here? */
export function decideShell(policy: NodePolicy, user: string): PolicyDecision {
  if (policy.shell.users.length === 0 || policy.shell.maxMinutes === 0)
    return denied("the node's policy allows no shells");
  return policy.shell.users.includes(user) ? allowed : denied(`the node's policy allows no shell as ${user}`);
}

/** When a shell that may run until `endsAt` really ends: the node's limit can only make it shorter. Unix ms. */
export function shellEndMs(policy: NodePolicy, nowMs: number, endsAt: number): number {
  return Math.min(endsAt, nowMs + policy.shell.maxMinutes * 60_000);
}
