const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;
const V6_GROUP = /^[0-9a-f]{1,4}$/i;
const PREFIX = /^(?:0|[1-9]\d{0,2})$/;

function isV6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const isFull = halves.length === 1 ? groups.length === 8 : groups.length < 8;
  return isFull && groups.every((group) => V6_GROUP.test(group));
}

/** An IPv4 or IPv6 address in usual text form, with or without a prefix length; no zone, no leading zeros, no names. */
export function isAddressOrPrefix(text: string): boolean {
  if (text.length > 43) return false;
  const [address = '', prefix, ...rest] = text.split('/');
  const isV4 = V4.test(address);
  if (rest.length > 0 || (!isV4 && !isV6(address))) return false;
  return prefix === undefined || (PREFIX.test(prefix) && Number(prefix) <= (isV4 ? 32 : 128));
}
