import { CHANGE_AREAS, type ChangeArea } from '@hauban/shared/protocol';

/** Where on a node lies what an action writes and its plan looks at. Of the others no file says that they changed. */
const AREAS: ReadonlyMap<string, readonly ChangeArea[]> = new Map<string, readonly ChangeArea[]>([
  ['account.create', ['apache', 'hosting', 'packages', 'php', 'users']],
  ['account.set-quota', []],
  ['account.set-ssh-keys', ['hosting', 'users']],
  ['account.suspend', ['apache', 'hosting', 'users']],
  ['account.unsuspend', ['apache', 'hosting', 'users']],
  ['database-user.create', []],
  ['database-user.set-password', []],
  ['database.create', []],
  ['database.grant', []],
  ['firewall.ban', []],
  ['firewall.set-list', []],
  ['firewall.unban', []],
  ['guest.create', []],
  ['guest.start', []],
  ['guest.stop', []],
  ['mailbox.create', ['hosting']],
  ['mailbox.set-quota', ['hosting']],
  ['mailbox.suspend', ['hosting']],
  ['mailbox.unsuspend', ['hosting']],
  ['php.set-limits', ['hosting', 'packages', 'php']],
  ['php.switch-version', ['apache', 'hosting', 'packages', 'php']],
  ['service.start', ['packages', 'units']],
  ['service.stop', ['packages', 'units']],
  ['site.create', ['apache', 'hosting']],
  ['snapshot.create', []],
  ['tls.install', ['apache', 'hosting', 'nginx']],
]);

/** Of an action of the hoster's own, which is in no list, any change may be one. */
export const areasOfWish = (action: string): readonly ChangeArea[] => AREAS.get(action) ?? CHANGE_AREAS;
