import {
  IconBan,
  IconCalendarRepeat,
  IconCalendarTime,
  IconChecks,
  IconHistory,
  IconListDetails,
  IconLock,
  IconPlayerPlay,
  IconServer2,
  IconServerCog,
  IconShieldCheck,
  IconTool,
  IconUser,
  IconUsers,
  IconWebhook,
} from '@tabler/icons-react';
import { paths } from '../paths.ts';
import { texts } from '../texts/index.ts';

/** The pages of the navigation, in order; also offered by the palette. */
export const NAV_ITEMS = [
  { path: paths.fleet, title: texts.nav.fleet, icon: IconServer2 },
  { path: paths.actions, title: texts.nav.actions, icon: IconTool },
  { path: paths.runs, title: texts.nav.runs, icon: IconHistory },
  { path: paths.schedules, title: texts.nav.schedules, icon: IconCalendarRepeat },
  { path: paths.pools, title: texts.nav.pools, icon: IconServerCog },
  { path: paths.bans, title: texts.nav.bans, icon: IconBan },
  { path: paths.recordings, title: texts.nav.recordings, icon: IconPlayerPlay },
  { path: paths.audit, title: texts.nav.audit, icon: IconShieldCheck },
] as const;

/** Reached from the schedules, the menus and the palette. */
export const WINDOWS_ITEM = { path: paths.windows, title: texts.nav.windows, icon: IconCalendarTime } as const;
/** Reached from the bans, the menu of a phone and the palette. */
export const BAN_LISTS_ITEM = { path: paths.banLists, title: texts.nav.banLists, icon: IconListDetails } as const;
/** For those who may act. */
export const APPROVALS_ITEM = { path: paths.approvals, title: texts.nav.approvals, icon: IconChecks } as const;
/** For owners. */
export const PEOPLE_ITEM = { path: paths.people, title: texts.nav.people, icon: IconUsers } as const;
export const TRUST_ITEM = { path: paths.trust, title: texts.nav.trust, icon: IconLock } as const;
export const WEBHOOKS_ITEM = { path: paths.webhooks, title: texts.nav.webhooks, icon: IconWebhook } as const;
export const ACCOUNT_ITEM = { path: paths.account, title: texts.nav.account, icon: IconUser } as const;
