import { formatPrefix, parsePrefix } from '@hauban/shared/actions';

/** One request, as a line of Apache's `combined` log has it. */
export interface LoggedRequest {
  /** Canonical address; of IPv6 its /64: whoever has one address of it has all. */
  readonly target: string;
  /** Unix ms. */
  readonly at: number;
  readonly method: string;
  /** Decoded, slashes made one, without query. */
  readonly path: string;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/**
 * Apache writes a quote inside of a value as `\"`, so what a request brings (login name, path, referrer) can not make
 * `] "`, and not the beginning of a line.
 */
const LINE =
  /^(\S{2,45}) .{1,400}?\[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "([A-Z]{3,10}) ([^" ]{1,2000})[ "]/;

function targetOf(text: string): string | null {
  const prefix = parsePrefix(text);
  if (prefix === null) return null;
  if (prefix.family === 4) return formatPrefix(prefix);
  return formatPrefix({ family: 6, bits: (prefix.bits >> 64n) << 64n, length: 64 });
}

function pathOf(target: string): string {
  const path = (target.split(/[?#]/, 1)[0] ?? '').replace(/^https?:\/\/[^/]*/i, '');
  let decoded = path;
  try {
    decoded = decodeURIComponent(path);
  } catch (error) {
    // A path that is no UTF-8 stays as it was asked for.
    if (!(error instanceof URIError)) throw error;
  }
  return decoded.replaceAll(/\/{2,}/g, '/');
}

/** Null: no line of a request. */
export function parseAccessLine(line: string): LoggedRequest | null {
  const found = LINE.exec(line);
  if (found === null) return null;
  const [
    address = '',
    day,
    month = '',
    year,
    hour,
    minute,
    second,
    sign,
    zoneHours,
    zoneMinutes,
    method = '',
    path = '',
  ] = found.slice(1);
  const target = targetOf(address);
  if (target === null || !MONTHS.includes(month)) return null;
  const [d, y, h, m, s, zh, zm] = [day, year, hour, minute, second, zoneHours, zoneMinutes].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offsetMs = (zh * 60 + zm) * 60_000 * (sign === '-' ? -1 : 1);
  return { target, at: Date.UTC(y, MONTHS.indexOf(month), d, h, m, s) - offsetMs, method, path: pathOf(path) };
}

/** `xmlrpc.php`: wherever it is, also with something behind it; `admin/login.php`: at that place only. */
export const isAbout = (path: string, file: string): boolean =>
  file.includes('/') ? `${path}/`.startsWith(`/${file}/`) : `${path}/`.includes(`/${file}/`);
