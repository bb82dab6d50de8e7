/** What Apache says about its configuration, as file, line and reason. Texts of Apache 2.4; an unknown one is shown as it is. */
export interface Fault {
  readonly file: string | null;
  readonly line: number | null;
  readonly problem: string;
}

/** `[Sat Nov 22 ...] [ssl:emerg] [pid 1:tid 2] ` and `AH00526: ` in front of a message. */
const PREFIX = /^(?:\[[^\]]*\] )*(?:\(\d+\)[^:]*: )?(?:AH\d{5}: )?(?:apache2: )?/;

const clean = (line: string): string => line.replace(PREFIX, '').trim();

/** `Syntax error on line 3 of /etc/x.conf:` possibly several deep, the innermost file last. */
function syntaxError(lines: readonly string[]): Fault | null {
  for (const [index, line] of lines.entries()) {
    const places = [...line.matchAll(/Syntax error on line (\d+) of ([^:]+):/g)];
    const last = places.at(-1);
    if (last === undefined) continue;
    const rest = line.slice(last.index + last[0].length).trim();
    const problem = rest === '' ? clean(lines[index + 1] ?? '') : rest;
    return { file: last[2] ?? null, line: Number(last[1]), problem: problem || 'syntax error' };
  }
  return null;
}

/** `... of vhost defined at /etc/x.conf:1`, `AH00112` and the like: the place is at the end of the sentence. */
function placed(lines: readonly string[]): Fault | null {
  for (const line of lines) {
    const place = /(?:defined at|in|at) (\/[^\s:]+):(\d+)/.exec(line);
    if (place !== null && !/\bwarn(?:ing)?\b/i.test(line))
      return { file: place[1] ?? null, line: Number(place[2]), problem: clean(line) };
  }
  return null;
}

/** Sentences that only say that it failed. */
const EMPTY_WORDS = /^(?:Configuration (?:check )?Failed|Action '|The Apache error log|Syntax OK|Unable to open logs)/i;
const GRAVE = /:(?:emerg|alert|crit|error)\]/;

/** The most telling sentence of what `configtest` or a failed start printed and logged. */
export function parseApacheFault(text: string): Fault {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const fault = syntaxError(lines) ?? placed(lines);
  if (fault !== null) return fault;
  const telling = lines.filter((line) => !EMPTY_WORDS.test(clean(line)) && !/AH00558|AH00112/.test(line));
  const line = telling.find((candidate) => GRAVE.test(candidate)) ?? telling.at(-1) ?? lines.at(-1) ?? '';
  return { file: null, line: null, problem: clean(line).slice(0, 500) || 'Apache ended without saying why' };
}
