import type { AccessRule, Role } from '@hauban/shared/api';
import { labelLines, parseLabels } from '../../parts/label-lines.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { clockText } from '../../parts/rule-words.ts';
import { texts } from '../../texts/index.ts';

const t = texts.roles;

/** As `RoleName` of the contract. */
const ROLE_NAME = /^[a-z][a-z0-9-]{1,31}$/;
/** As `AccessRule` of the contract: its name, an action, a user. */
const RULE_NAME = /^[a-z][a-z0-9 -]{0,63}$/;
const ACTION = /^(?:\*|[a-z0-9-]{1,40}\.(?:\*|[a-z0-9-]{1,60}))$/;
const USER = /^(?:\*|[a-z_][a-z0-9_-]{0,31})$/;
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Rights beside the actions, in the order in which they are asked for. */
export const RIGHTS = ['read', 'shell', 'attach', 'edit-node', 'override-window', 'admin'] as const;
export type Right = (typeof RIGHTS)[number];

/** One rule as it is typed. */
export interface RuleValues {
  readonly name: string;
  readonly rights: readonly Right[];
  readonly actions: 'none' | 'all' | 'some';
  /** Names or `group.*`, one a line. */
  readonly actionLines: string;
  readonly where: 'everywhere' | 'some';
  readonly roles: readonly Role[];
  /** `name=value`, one a line. */
  readonly labels: string;
  /** Host names, or ids of nodes that are gone, one a line. */
  readonly hosts: string;
  readonly users: string;
  readonly needsApproval: boolean;
  readonly hasWindow: boolean;
  /** 0 = Sunday. */
  readonly days: readonly string[];
  /** `HH:MM`, UTC. */
  readonly from: string;
  readonly to: string;
}

export type RuleProblems = Partial<Record<keyof RuleValues, string>>;
export type ParsedRule =
  | { readonly ok: true; readonly rule: AccessRule }
  | { readonly ok: false; readonly problems: RuleProblems };

/** What the form is held against. */
export interface RuleContext {
  readonly actionNames: readonly string[];
  readonly nodes: readonly { readonly id: string; readonly hostName: string }[];
}

export const emptyRule = (name: string): RuleValues => ({
  name,
  rights: ['read'],
  actions: 'none',
  actionLines: '',
  where: 'some',
  roles: [],
  labels: '',
  hosts: '',
  users: '',
  needsApproval: false,
  hasWindow: false,
  days: ['1', '2', '3', '4', '5'],
  from: '08:00',
  to: '18:00',
});

const DAY_MINUTES = 1440;

/** A rule as the form shows it. */
export function ruleValues({ name, what, where, how }: AccessRule, nodes: RuleContext['nodes']): RuleValues {
  const patterns = what.flatMap((each) => (each.startsWith('action:') ? [each.slice('action:'.length)] : []));
  const place = where === 'everywhere' ? {} : where;
  const hostOf = new Map(nodes.map((node) => [node.id, node.hostName]));
  const empty = emptyRule(name);
  return {
    ...empty,
    rights: RIGHTS.filter((right) => what.includes(right)),
    actions: patterns.includes('*') ? 'all' : patterns.length > 0 ? 'some' : 'none',
    actionLines: patterns.filter((pattern) => pattern !== '*').join('\n'),
    where: where === 'everywhere' ? 'everywhere' : 'some',
    roles: place.roles ?? [],
    labels: labelLines(place.labels ?? {}),
    hosts: (place.nodes ?? []).map((id) => hostOf.get(id) ?? id).join('\n'),
    users: how.runAs.join(' '),
    needsApproval: how.needsApproval,
    hasWindow: how.window !== null,
    days: how.window?.days.map(String) ?? empty.days,
    from: how.window === null ? empty.from : clockText(how.window.fromMinute),
    to: how.window === null ? empty.to : clockText(how.window.toMinute),
  };
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');
const givesShells = ({ rights }: RuleValues): boolean => rights.includes('shell') || rights.includes('attach');
const oneLine = (text: string): string => visibleLine(text, 60);

function whatOf(values: RuleValues, known: readonly string[], problems: RuleProblems): string[] {
  const patterns = values.actions === 'all' ? ['*'] : values.actions === 'some' ? words(values.actionLines) : [];
  if (values.actions === 'some' && patterns.length === 0) problems.actionLines = t.needAction;
  for (const pattern of patterns) {
    const isKnown = pattern.endsWith('*') ? known.some((name) => name.startsWith(pattern.slice(0, -1))) : null;
    if (!ACTION.test(pattern)) problems.actionLines = t.badAction(oneLine(pattern));
    else if (!(isKnown ?? known.includes(pattern))) problems.actionLines = t.unknownAction(oneLine(pattern));
  }
  const what = [...values.rights, ...patterns.map((pattern) => `action:${pattern}`)];
  if (what.length === 0 && problems.actionLines === undefined) problems.rights = t.needRight;
  return what;
}

function nodesOf(hosts: string, nodes: RuleContext['nodes'], problems: RuleProblems): string[] {
  return words(hosts).flatMap((host) => {
    const found = nodes.filter(({ id, hostName }) => id === host || hostName === host);
    if (found.length === 0) problems.hosts = t.unknownHost(oneLine(host));
    return found.map(({ id }) => id);
  });
}

function whereOf(values: RuleValues, context: RuleContext, problems: RuleProblems): AccessRule['where'] {
  if (values.where === 'everywhere') return 'everywhere';
  if (values.rights.includes('admin')) problems.where = t.adminEverywhere;
  const labels = parseLabels(values.labels);
  if (!labels.ok) problems.labels = labels.problem;
  const nodes = nodesOf(values.hosts, context.nodes, problems);
  const place = {
    ...(nodes.length === 0 ? {} : { nodes }),
    ...(labels.ok && Object.keys(labels.labels).length > 0 ? { labels: labels.labels } : {}),
    ...(values.roles.length === 0 ? {} : { roles: [...values.roles] }),
  };
  const isEmpty = Object.keys(place).length === 0;
  if (isEmpty && labels.ok && problems.hosts === undefined) problems.where ??= t.needPlace;
  return place;
}

function windowOf(values: RuleValues, problems: RuleProblems): AccessRule['how']['window'] {
  if (!values.hasWindow) return null;
  const minuteOf = (field: 'from' | 'to'): number => {
    const [, hours, minutes] = CLOCK.exec(values[field]) ?? [];
    if (hours === undefined) problems[field] = t.badClock;
    return Number(hours) * 60 + Number(minutes);
  };
  const fromMinute = minuteOf('from');
  const toMinute = minuteOf('to') || DAY_MINUTES;
  if (fromMinute === toMinute) problems.to ??= t.sameClock;
  if (values.days.length === 0) problems.days = t.needDay;
  return { days: values.days.map(Number).toSorted((a, b) => a - b), fromMinute, toMinute };
}

/** What was typed, as a rule of the contract; else what is wrong, by field. */
export function parseRule(values: RuleValues, context: RuleContext): ParsedRule {
  const problems: RuleProblems = {};
  const name = values.name.trim();
  if (!RULE_NAME.test(name)) problems.name = t.badRuleName;
  const what = whatOf(values, context.actionNames, problems);
  const where = whereOf(values, context, problems);
  const runAs = givesShells(values) ? words(values.users) : [];
  const badUser = runAs.find((user) => !USER.test(user));
  if (givesShells(values) && runAs.length === 0) problems.users = t.needUser;
  if (badUser !== undefined) problems.users = t.badUser(oneLine(badUser));
  const how = { runAs, needsApproval: values.needsApproval, window: windowOf(values, problems) };
  return Object.keys(problems).length === 0 ? { ok: true, rule: { name, what, where, how } } : { ok: false, problems };
}

/** What is wrong with the name of a new role; null: nothing. */
export function roleNameProblem(name: string, taken: readonly string[]): string | null {
  if (!ROLE_NAME.test(name)) return t.badName;
  return taken.includes(name) ? t.nameTaken : null;
}
