import type { AccessRule } from '@hauban/shared/api';
import { visibleLine } from '../format/visible-text.ts';
import { roleName } from './role-chips.tsx';
import { texts } from '../texts/index.ts';

const t = texts.roles;

const pad = (n: number): string => String(n).padStart(2, '0');
/** Minutes of a day as `HH:MM`; its end is the 00:00 of the next. */
export const clockText = (minute: number): string => `${pad(Math.floor(minute / 60) % 24)}:${pad(minute % 60)}`;

function whatWords(what: readonly string[]): string {
  const actions = what.filter((each) => each.startsWith('action:')).map((each) => each.slice('action:'.length));
  const said = actions.includes('*') ? t.says.allActions : t.says.actions(actions.join(', '));
  const has = (right: string): boolean => what.includes(right);
  return [
    has('read') ? t.says.read : '',
    actions.length === 0 ? '' : said,
    has('shell') ? t.says.shell : '',
    has('attach') ? t.says.attach : '',
    has('edit-node') ? t.says.editNode : '',
    has('override-window') ? t.says.overrideWindow : '',
    has('admin') ? t.says.admin : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function whereWords(where: AccessRule['where'], hostOf: (id: string) => string): string {
  if (where === 'everywhere') return t.says.everywhere;
  const labels = Object.entries(where.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  const hosts = (where.nodes ?? []).map(hostOf);
  const parts = [
    where.roles === undefined ? '' : t.says.ofRole(where.roles.map(roleName).join(t.says.or)),
    labels.length === 0 ? '' : t.says.withLabels(labels.join(', ')),
    hosts.length === 0 ? '' : t.says.named(hosts.slice(0, 5).join(', '), Math.max(0, hosts.length - 5)),
  ];
  return t.says.place(parts.filter((part) => part !== '').join(t.says.and));
}

function howWords({ what, how }: AccessRule): string[] {
  const isShell = what.includes('shell') || what.includes('attach');
  const { window } = how;
  const days = window?.days.map((day) => t.days[day] ?? '').join(', ') ?? '';
  return [
    isShell ? (how.runAs.includes('*') ? t.says.anyUser : t.says.asUsers(how.runAs.join(t.says.or))) : '',
    window === null ? '' : t.says.window(days, clockText(window.fromMinute), clockText(window.toMinute)),
    how.needsApproval ? t.says.approval : '',
  ].filter((part) => part !== '');
}

/** What a rule grants, as one plain sentence. */
export function ruleSentence(rule: AccessRule, hostOf: (id: string) => string = (id) => id): string {
  const said = [t.says.placed(whereWords(rule.where, hostOf), whatWords(rule.what)), ...howWords(rule)].join('; ');
  return visibleLine(`${said}.`, 1000);
}

/** What an API token may do of what its person may. */
export const scopeWords = (scope: readonly AccessRule[] | null): string =>
  scope === null ? texts.account.scopeAll : scope.map((rule) => ruleSentence(rule)).join(' ');
