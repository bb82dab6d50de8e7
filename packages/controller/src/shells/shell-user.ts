const USERS = /^\s*users\s*=\s*\[([^\]]*)\]/m;
const LOGIN = /["']([a-z_][a-z0-9_-]{0,31})["']/;

/**
 * The first login name that a policy lists for shells, or null. Only a suggestion for a request that names none: the
 * executor reads the file itself and decides, so no TOML parser is needed here.
 */
export function firstShellUser(policyText: string): string | null {
  const lines = policyText.split('\n').map((line) => (/^\s*#/.test(line) ? '' : line));
  const from = lines.findIndex((line) => /^\s*\[shell\]\s*(?:#.*)?$/.test(line));
  if (from === -1) return null;
  const rest = lines.slice(from + 1);
  const to = rest.findIndex((line) => /^\s*\[{1,2}[a-z]/.test(line));
  const users = USERS.exec(rest.slice(0, to === -1 ? rest.length : to).join('\n'))?.[1] ?? '';
  return LOGIN.exec(users)?.[1] ?? null;
}
