import { HaubanError } from '../../errors/index.ts';
import type { Host } from '../host.ts';
import { MANAGED, suspensionOf } from '../hosting-layout.ts';

/** What a suspension leaves on the node: a note of what was there before, and a page for each site. */

/** The day at which a suspended account has expired: 2 January 1970. Day 0 means different things to different programs. */
export const EXPIRED_DAY = 1;

export const SUSPENSION_REASONS = ['unpaid', 'abuse', 'security', 'customer'] as const;
export type SuspensionReason = (typeof SUSPENSION_REASONS)[number];

/** What unsuspend brings back. */
export interface Suspension {
  readonly version: 1;
  readonly reason: SuspensionReason;
  readonly expireDay: number | null;
  readonly shell: string;
  /** PHP versions whose masters ran. */
  readonly php: readonly string[];
}

export const suspensionText = (suspension: Suspension): string => `${JSON.stringify(suspension, null, 2)}\n`;

function parseSuspension(text: string): Suspension | null {
  let value: Partial<Record<keyof Suspension, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== 'object' || value === null || value.version !== 1) return null;
  const { reason, expireDay, shell, php } = value;
  const isWell =
    SUSPENSION_REASONS.includes(reason as SuspensionReason) &&
    (expireDay === null || (Number.isInteger(expireDay) && Number(expireDay) >= 0)) &&
    typeof shell === 'string' &&
    /^\/[A-Za-z0-9/._-]{1,100}$/.test(shell) &&
    Array.isArray(php) &&
    php.every((version) => typeof version === 'string' && /^[0-9]\.[0-9]$/.test(version));
  return isWell ? (value as unknown as Suspension) : null;
}

/** The note, or null when the account is not suspended. */
export async function readSuspension(host: Host, account: string): Promise<Suspension | null> {
  const path = suspensionOf(account);
  const state = await host.files.state(path);
  if (state.type === 'absent') return null;
  const suspension = state.type === 'file' ? parseSuspension(state.content) : null;
  if (suspension === null)
    throw new HaubanError('ACTION_REFUSED', `${path} is no note of a suspension: look at it, and move it away`);
  return suspension;
}

/** What a site keeps while it is suspended: where it is reached, its certificate and its logs. */
const KEPT = /^(?:ServerName|ServerAlias|ErrorLog|CustomLog|Protocols|SSL[A-Za-z0-9]+)\s/i;

/** `Redirect` acts before anything of the customer is read: no .htaccess, no file, no PHP. */
const PAGE = `  Redirect 503 "/"
  ErrorDocument 503 "<!doctype html><html lang='en'><head><title>Not available</title></head><body><h1>This site is not available at the moment</h1><p>Its owner can ask the hosting company why.</p></body></html>"
  <IfModule mod_headers.c>
    Header always set Retry-After "3600"
    Header always set Cache-Control "no-store"
  </IfModule>`;

/** The site file with nothing but that page; null when there is no virtual host in it. */
export function suspendedSite(text: string): string | null {
  const lines: string[] = [`# ${MANAGED}`];
  let isInside = false;
  let depth = 0;
  for (const raw of text.replaceAll(/\\\r?\n/g, ' ').split('\n')) {
    const line = raw.trim();
    if (/^<VirtualHost\s[^<>]+>$/i.test(line)) {
      isInside = true;
      depth = 0;
      lines.push(line);
    } else if (/^<\/VirtualHost>$/i.test(line)) {
      if (isInside) lines.push(PAGE, '</VirtualHost>');
      isInside = false;
    } else if (line.startsWith('</')) depth -= 1;
    else if (line.startsWith('<')) depth += 1;
    else if (isInside && depth === 0 && KEPT.test(line)) lines.push(`  ${line}`);
  }
  return lines.length === 1 ? null : `${lines.join('\n')}\n`;
}
