/**
 * Protocol versions and their history. A controller speaks all listed versions; a node says which it speaks.
 *
 * - 1 (2026-11): first version.
 */
export const PROTOCOL_VERSIONS = [1] as const;
export const SUBPROTOCOL = 'hauban.v1';

/** Highest version that both speak, or null. */
export function commonVersion(theirs: readonly number[]): number | null {
  const common = PROTOCOL_VERSIONS.filter((version) => theirs.includes(version));
  return common.length === 0 ? null : Math.max(...common);
}
