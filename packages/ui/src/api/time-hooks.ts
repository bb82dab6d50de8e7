import { useQuery } from '@tanstack/react-query';
import { keys } from './hooks.ts';
import { useServices } from './services.ts';

/** Reads of schedules, maintenance windows and webhooks; they are asked again by themselves. */
const CALM_MS = 10_000;
const BUSY_MS = 3_000;

export function useSchedules() {
  const { api } = useServices();
  return useQuery({ queryKey: keys.schedules, queryFn: () => api.schedules(), refetchInterval: CALM_MS });
}

export function useWindows() {
  const { api } = useServices();
  return useQuery({ queryKey: keys.windows, queryFn: () => api.windows(), refetchInterval: CALM_MS });
}

/** @param mayAsk owners only */
export function useWebhooks(mayAsk: boolean) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.webhooks,
    queryFn: () => api.webhooks(),
    refetchInterval: CALM_MS,
    enabled: mayAsk,
  });
}

export function useDeliveries(webhookId: string) {
  const { api } = useServices();
  return useQuery({
    queryKey: keys.deliveries(webhookId),
    queryFn: () => api.deliveries(webhookId),
    refetchInterval: BUSY_MS,
  });
}
