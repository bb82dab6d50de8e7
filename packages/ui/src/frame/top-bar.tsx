import { Drawer, Menu } from '@mantine/core';
import {
  IconCalendarTime,
  IconKeyboard,
  IconLock,
  IconLogout,
  IconMenu2,
  IconSearch,
  IconUser,
  IconUsers,
  IconWebhook,
} from '@tabler/icons-react';
import type { Me } from '@hauban/shared/api';
import { Link, useRouterState } from '@tanstack/react-router';
import { useState } from 'react';
import { useApprovals } from '../api/hooks.ts';
import { useServices } from '../api/services.ts';
import { LogoMark } from '../parts/logo.tsx';
import { paths } from '../paths.ts';
import { texts } from '../texts/index.ts';
import { LiveMark } from './live-mark.tsx';
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
import { SchemeSwitch } from './scheme-switch.tsx';

/** The page of the navigation that an address belongs to. */
export function sectionOf(pathname: string): string {
  if (pathname.startsWith('/nodes/')) return paths.fleet;
  if (pathname.startsWith('/run/')) return paths.actions;
  if (pathname === paths.windows) return paths.schedules;
  if (pathname.startsWith(paths.banLists)) return paths.bans;
  return `/${pathname.split('/')[1] ?? ''}`;
}

function useSection(): string {
  return useRouterState({ select: (state) => sectionOf(state.location.pathname) });
}

function NavLinks({ me, onGo }: { readonly me?: Me | undefined; readonly onGo?: () => void }) {
  const withIcons = onGo !== undefined;
  const section = useSection();
  const mine =
    me?.may.own === true
      ? [WINDOWS_ITEM, BAN_LISTS_ITEM, PEOPLE_ITEM, TRUST_ITEM, WEBHOOKS_ITEM, ACCOUNT_ITEM]
      : [WINDOWS_ITEM, BAN_LISTS_ITEM, ACCOUNT_ITEM];
  const approvals = useApprovals(me?.may.operate === true);
  const forMe = (approvals.data ?? []).filter(({ mayApprove }) => mayApprove).length;
  const waiting = {
    ...APPROVALS_ITEM,
    title: forMe === 0 ? texts.nav.approvals : texts.nav.approvalsCount(forMe),
  };
  const shared = me?.may.operate === true ? [...NAV_ITEMS, waiting] : NAV_ITEMS;
  const items = withIcons ? [...shared, ...mine] : shared;
  return items.map(({ path, title, icon: Icon }) => (
    <Link key={path} to={path} aria-current={section === path ? 'page' : undefined} onClick={onGo}>
      {withIcons ? <Icon size={20} aria-hidden /> : null}
      {title}
    </Link>
  ));
}

function useSignOut(): () => void {
  const { api } = useServices();
  return () => {
    // A whole new page: nothing that was read stays in memory.
    const leave = (): void => location.assign(paths.signIn);
    api.signOut().then(leave, leave);
  };
}

function AccountMenu({ me, onKeys }: { readonly me: Me | undefined; readonly onKeys: () => void }) {
  const signOut = useSignOut();
  return (
    <Menu position="bottom-end" width={250} withinPortal>
      <Menu.Target>
        <button
          type="button"
          className="hb-bar-button hb-wide-only"
          aria-label={me === undefined ? texts.nav.account : texts.nav.signedInAs(me.name)}
        >
          <IconUser size={18} aria-hidden />
          <span>{me?.name}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to={paths.account} leftSection={<IconUser size={16} />}>
          {texts.nav.account}
        </Menu.Item>
        {me?.may.own === true ? (
          <Menu.Item component={Link} to={paths.people} leftSection={<IconUsers size={16} />}>
            {texts.nav.people}
          </Menu.Item>
        ) : null}
        <Menu.Item component={Link} to={paths.windows} leftSection={<IconCalendarTime size={16} />}>
          {texts.nav.windows}
        </Menu.Item>
        {me?.may.own === true ? (
          <Menu.Item component={Link} to={paths.webhooks} leftSection={<IconWebhook size={16} />}>
            {texts.nav.webhooks}
          </Menu.Item>
        ) : null}
        {me?.may.own === true ? (
          <Menu.Item component={Link} to={paths.trust} leftSection={<IconLock size={16} />}>
            {texts.nav.trust}
          </Menu.Item>
        ) : null}
        <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={onKeys}>
          {texts.nav.keys}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>
          <SchemeSwitch />
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={signOut}>
          {texts.nav.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function PhoneMenu({ me }: { readonly me: Me | undefined }) {
  const [isOpen, setIsOpen] = useState(false);
  const signOut = useSignOut();
  const close = (): void => setIsOpen(false);
  return (
    <>
      <button
        type="button"
        className="hb-bar-button hb-menu-only"
        aria-label={texts.nav.menu}
        onClick={() => setIsOpen(true)}
      >
        <IconMenu2 size={22} aria-hidden />
      </button>
      <Drawer
        opened={isOpen}
        onClose={close}
        position="right"
        size="80%"
        title={me === undefined ? texts.app.name : texts.nav.signedInAs(me.name)}
        closeButtonProps={{ 'aria-label': texts.words.close }}
      >
        <nav className="hb-drawer-nav" aria-label={texts.nav.label}>
          <NavLinks me={me} onGo={close} />
        </nav>
        <div className="hb-stack" style={{ paddingTop: 20 }}>
          <SchemeSwitch />
          <button type="button" className="hb-bar-button hb-drawer-out" onClick={signOut}>
            <IconLogout size={18} aria-hidden /> {texts.nav.signOut}
          </button>
        </div>
      </Drawer>
    </>
  );
}

export interface TopBarProps {
  readonly me: Me | undefined;
  readonly onPalette: () => void;
  readonly onKeys: () => void;
}

export function TopBar({ me, onPalette, onKeys }: TopBarProps) {
  return (
    <header className="hb-bar">
      <div className="hb-bar-inner">
        <Link to={paths.fleet} className="hb-brand">
          <LogoMark sizePx={27} />
          {texts.app.name}
        </Link>
        <nav className="hb-nav" aria-label={texts.nav.label}>
          <NavLinks me={me} />
        </nav>
        <div className="hb-bar-tail">
          {me === undefined ? null : <LiveMark />}
          <button type="button" className="hb-jump" onClick={onPalette} aria-label={texts.palette.title}>
            <IconSearch size={16} aria-hidden />
            <span className="hb-jump-text">{texts.nav.search}</span>
            <kbd>{texts.keyHelp.palette}</kbd>
          </button>
          <AccountMenu me={me} onKeys={onKeys} />
          <PhoneMenu me={me} />
        </div>
      </div>
    </header>
  );
}
