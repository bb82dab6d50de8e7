import type { ActionRow, NodeRow } from '@hauban/shared/api';
import { visibleLine } from '../format/visible-text.ts';
import { paths } from '../paths.ts';
import { texts } from '../texts/index.ts';
import {
  ACCOUNT_ITEM,
  APPROVALS_ITEM,
  BAN_LISTS_ITEM,
  NAV_ITEMS,
  PEOPLE_ITEM,
  TRUST_ITEM,
  WEBHOOKS_ITEM,
  WINDOWS_ITEM,
} from './nav-items.ts';

export interface PaletteItem {
  readonly key: string;
  readonly group: string;
  readonly title: string;
  readonly detail: string;
  readonly path: string;
}

/** 0: does not fit; more is better: whole, start, start of a word, somewhere. */
export function fit(text: string, typed: string): number {
  const at = text.toLowerCase().indexOf(typed.toLowerCase());
  if (at === -1) return 0;
  if (at === 0) return text.length === typed.length ? 4 : 3;
  return /[^a-z0-9]/i.test(text[at - 1] ?? '') ? 2 : 1;
}

const pageItems = (): PaletteItem[] =>
  [
    ...NAV_ITEMS,
    WINDOWS_ITEM,
    BAN_LISTS_ITEM,
    APPROVALS_ITEM,
    PEOPLE_ITEM,
    TRUST_ITEM,
    WEBHOOKS_ITEM,
    ACCOUNT_ITEM,
  ].map(({ path, title }) => ({
    key: `page ${path}`,
    group: texts.palette.pages,
    title,
    detail: '',
    path,
  }));

const actionItem = (action: ActionRow): PaletteItem => ({
  key: `action ${action.name}`,
  group: texts.palette.actions,
  title: action.name,
  detail: visibleLine(action.title),
  path: paths.runAction(action.name),
});

function nodeItems(node: NodeRow, withShell: boolean): PaletteItem[] {
  const host = visibleLine(node.hostName, 100);
  const item = {
    group: texts.palette.nodes,
    title: host,
    detail: texts.nodeState[node.state] ?? '',
    path: paths.node(node.id),
  };
  const shell = {
    group: texts.palette.nodes,
    title: texts.palette.shellOn(host),
    detail: '',
    path: paths.shell(node.id),
  };
  return withShell
    ? [
        { key: `node ${node.id}`, ...item },
        { key: `shell ${node.id}`, ...shell },
      ]
    : [{ key: `node ${node.id}`, ...item }];
}

/** Does the node fit what is typed by now? The controller's answer is always a little older than the typing. */
const fitsNode = (node: NodeRow, typed: string): boolean =>
  typed === '' || fit(`${node.hostName} ${Object.entries(node.labels).flat().join(' ')}`, typed) > 0;

/** What the palette offers: nodes as the controller found them, actions and pages by what was typed. */
export function paletteItems(typed: string, nodes: readonly NodeRow[], actions: readonly ActionRow[]): PaletteItem[] {
  const best = (items: readonly PaletteItem[]): PaletteItem[] =>
    items
      .map((item) => ({
        item,
        score: typed === '' ? 1 : Math.max(fit(item.title, typed), fit(item.detail, typed) / 2),
      }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
      .map(({ item }) => item);
  // A shell is offered when few nodes are left, so that the list stays short.
  const fitting = nodes.filter((node) => fitsNode(node, typed));
  const found = fitting.slice(0, 8).flatMap((node) => nodeItems(node, fitting.length <= 3 && node.state === 'up'));
  return [...found, ...best(actions.map(actionItem)).slice(0, 8), ...best(pageItems())];
}
