/**
 * A page that PHP answers about itself: root's file beside the pool configuration, outside what the account can write.
 * Through Apache (from the node itself only) it says version and user; through its own socket, where FastCGI
 * parameters without `HTTP_` can be set and a web client cannot set them, also what PHP can see and write.
 */

/** Path of the probe page on every site that we make; an alias, not in the document root. */
export const PROBE_URL = '/.well-known/hauban-probe';

/** FastCGI parameters of the full probe. */
export const PROBE_PARAMS = { homesRoot: 'HAUBAN_HOMES_ROOT', home: 'HAUBAN_HOME' } as const;

/** Understood by PHP 5.6 and later. */
export const PROBE_PAGE = `<?php
// Managed by Hauban: says which PHP answers here, and as whom.
header('Content-Type: application/json');
header('Cache-Control: no-store');
$answer = array(
  'hauban' => 1,
  'version' => PHP_VERSION,
  'sapi' => PHP_SAPI,
  'uid' => function_exists('posix_geteuid') ? posix_geteuid() : -1,
  'gid' => function_exists('posix_getegid') ? posix_getegid() : -1,
);
if (isset($_SERVER['${PROBE_PARAMS.homesRoot}'], $_SERVER['${PROBE_PARAMS.home}'])) {
  $seen = @scandir($_SERVER['${PROBE_PARAMS.homesRoot}']);
  $answer['visibleHomes'] = $seen === false ? array() : array_values(array_diff($seen, array('.', '..')));
  $answer['limits'] = array();
  foreach (array('memory_limit', 'max_execution_time', 'upload_max_filesize', 'post_max_size', 'max_input_vars') as $name)
    $answer['limits'][$name] = (string) ini_get($name);
  $answer['canWriteHome'] = @is_writable($_SERVER['${PROBE_PARAMS.home}']);
}
echo json_encode($answer);
`;

export interface ProbeReply {
  readonly version: string;
  readonly sapi: string;
  readonly uid: number;
  readonly gid: number;
  /** Only of the full probe. */
  readonly visibleHomes: readonly string[] | null;
  readonly canWriteHome: boolean | null;
  /** As PHP's own ini_get says them; only of the full probe. */
  readonly limits: Readonly<Record<string, string>>;
}

function parseLimits(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts.slice(0, 10).map(([name, text]) => [name.slice(0, 40), text.slice(0, 40)]));
}

/** The customer's PHP could answer anything: null unless it is the probe page's own shape. */
export function parseProbeReply(body: string): ProbeReply | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { hauban, version, sapi, uid, gid, visibleHomes, canWriteHome, limits } = value as Record<string, unknown>;
  if (hauban !== 1 || typeof version !== 'string' || typeof sapi !== 'string') return null;
  if (!Number.isSafeInteger(uid) || !Number.isSafeInteger(gid)) return null;
  const names = Array.isArray(visibleHomes)
    ? visibleHomes.filter((name): name is string => typeof name === 'string').map((name) => name.slice(0, 255))
    : null;
  return {
    version: version.slice(0, 40),
    sapi: sapi.slice(0, 40),
    uid: uid as number,
    gid: gid as number,
    visibleHomes: names,
    canWriteHome: typeof canWriteHome === 'boolean' ? canWriteHome : null,
    limits: parseLimits(limits),
  };
}
