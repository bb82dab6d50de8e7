import type { LabPlace } from './lab-place.ts';
import { programs } from './programs.ts';

/** A request made from inside a place of the lab, with curl, so that it takes that place's network. */
export type LabRequest = {
  /** With the address to connect to, for example `http://10.213.0.10/info.php`. */
  readonly url: string;
  /** The site's name when it is not in the URL; for https it is also the name asked for in the handshake. */
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default 5 s. */
  readonly timeoutMs?: number;
};

/** `refused`: a RST came back. `no-answer`: packets went and nothing came. */
export type LabResponse =
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly headers: ReadonlyMap<string, string>;
      readonly body: string;
    }
  | { readonly kind: 'refused' | 'no-answer' | 'failed'; readonly detail: string };

/** Exit codes of curl(1). */
const curlOutcomes: Readonly<Record<number, 'refused' | 'no-answer'>> = { 7: 'refused', 28: 'no-answer' };

/** Splits curl's output into head and body; informational answers (100 Continue) come before the real head. */
function parseAnswer(text: string): { status: number; headers: Map<string, string>; body: string } {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const body = text.slice(end + 4);
  const status = Number(statusLine.split(' ')[1]);
  if (status >= 100 && status < 200) return parseAnswer(body);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status, headers, body };
}

function curlArgs(request: LabRequest): string[] {
  const url = new URL(request.url);
  const args = ['--silent', '--show-error', '--insecure', '--globoff', '--noproxy', '*', '--include'];
  args.push('--max-time', String((request.timeoutMs ?? 5_000) / 1_000), '--request', request.method ?? 'GET');
  for (const [name, value] of Object.entries(request.headers ?? {})) args.push('--header', `${name}: ${value}`);
  if (request.body !== undefined) args.push('--data-binary', '@-');
  if (request.host !== undefined) {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    args.push('--resolve', `${request.host}:${port}:${url.hostname}`);
    url.hostname = request.host;
  }
  return [...args, '--url', url.href];
}

export async function requestHttp(place: LabPlace, request: LabRequest): Promise<LabResponse> {
  const { code, stdout, stderr } = await place.run(programs.curl.path, curlArgs(request), {
    input: request.body ?? '',
  });
  if (code === 0) return { kind: 'response', ...parseAnswer(stdout) };
  return { kind: curlOutcomes[code ?? -1] ?? 'failed', detail: stderr.trim() };
}
