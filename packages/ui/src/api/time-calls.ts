import type {
  DeliveryPage,
  Redelivered,
  RedeliverRequest,
  ScheduleRequest,
  ScheduleRow,
  WebhookDelivery,
  WebhookRequest,
  WebhookRow,
  WindowRequest,
  WindowRow,
} from '@hauban/shared/api';
import { path, type Verbs } from './request.ts';

/** Calls about schedules, maintenance windows and webhooks. */
export const timeCalls = ({ get, post, remove }: Pick<Verbs, 'get' | 'post' | 'remove'>) => ({
  schedules: () => get<ScheduleRow[]>(path('schedules')),
  makeSchedule: (body: ScheduleRequest) => post<ScheduleRow>(path('schedules'), body),
  pauseSchedule: (id: string) => post<ScheduleRow>(path('schedules', id, 'pause')),
  resumeSchedule: (id: string) => post<ScheduleRow>(path('schedules', id, 'resume')),
  removeSchedule: (id: string) => remove<unknown>(path('schedules', id)),
  windows: () => get<WindowRow[]>(path('windows')),
  makeWindow: (body: WindowRequest) => post<WindowRow>(path('windows'), body),
  removeWindow: (id: string) => remove<unknown>(path('windows', id)),
  webhooks: () => get<WebhookRow[]>(path('webhooks')),
  makeWebhook: (body: WebhookRequest) => post<WebhookRow>(path('webhooks'), body),
  removeWebhook: (id: string) => remove<unknown>(path('webhooks', id)),
  testWebhook: (id: string) => post<WebhookDelivery>(path('webhooks', id, 'test')),
  deliveries: (id: string) => get<DeliveryPage>(path('webhooks', id, 'deliveries'), { limit: 50 }),
  redeliver: (id: string, body: RedeliverRequest) => post<Redelivered>(path('webhooks', id, 'redeliver'), body),
});
