import type { ControllerConfig } from '../config.ts';

/** The address that people type and nodes dial. */
export function publicUrlOf(config: ControllerConfig, port: number): URL {
  if (config.publicUrl !== null) return config.publicUrl;
  const isLoopback = config.host === '127.0.0.1' || config.host === '::1';
  const host = isLoopback ? 'localhost' : config.host.includes(':') ? `[${config.host}]` : config.host;
  return new URL(`${config.tls === null ? 'http' : 'https'}://${host}:${port}`);
}
