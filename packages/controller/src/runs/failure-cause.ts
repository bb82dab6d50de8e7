/** What people read as one cause: the sentence without what differs from node to node. */
const UUIDS = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi;
const QUOTED = /"[^"\n]{0,200}"/g;
const HEX = /\b[0-9a-f]{12,}\b/gi;
const NUMBERS = /\d+/g;
const MOST_CHARACTERS = 500;

/** @param hostName of the node that said it */
export function normaliseDetail(detail: string, hostName: string): string {
  const text = detail.slice(0, MOST_CHARACTERS);
  const named = hostName.length < 3 ? text : text.replaceAll(hostName, 'NODE');
  return named
    .replace(UUIDS, 'ID')
    .replace(QUOTED, '"…"')
    .replace(HEX, '…')
    .replace(NUMBERS, 'N')
    .replace(/\s+/g, ' ')
    .trim();
}
