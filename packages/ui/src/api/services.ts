import { createContext, useContext } from 'react';
import type { Api } from './api.ts';
import type { LiveConnection } from './live-connection.ts';

export interface Services {
  readonly api: Api;
  readonly live: LiveConnection;
}

const ServicesContext = createContext<Services | null>(null);
export const ServicesProvider = ServicesContext.Provider;

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === null) throw new Error('ServicesProvider is missing above this component');
  return services;
}
