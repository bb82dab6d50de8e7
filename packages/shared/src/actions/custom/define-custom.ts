import type { Change } from '../change.ts';
import type { ActionDefinition, Planned, Verified } from '../define-action.ts';
import type { Host } from '../host.ts';
import { customSchema, readCustomArguments, type CustomValue } from './custom-argument.ts';
import type { CustomAnswer, CustomCall } from './custom-host.ts';
import type { CustomManifest } from './custom-manifest.ts';

/** A folder on the node that makes an action: its name, what the hoster wrote, and the hash of all of it. */
export interface CustomSource {
  readonly name: string;
  readonly hash: string;
  readonly manifest: CustomManifest;
}

type Args = Readonly<Record<string, CustomValue>>;

/** As monitoring plugins mean their exit codes. */
const STATES = ['ok', 'warning', 'critical', 'unknown'] as const;
/** Exit codes of a `plan` program. */
const PLAN_SO_ALREADY = 0;
const PLAN_WOULD_CHANGE = 2;

const MOST_NOTES = 20;
const linesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim().slice(0, 500))
    .filter((line) => line !== '');

const said = ({ stdout, stderr, status }: CustomAnswer): string =>
  linesOf(stderr)[0] ?? linesOf(stdout)[0] ?? `it ended with ${status} and said nothing`;

/** `text | perfdata`, over several lines, as monitoring plugins write it. */
function readCheck({ status, stdout }: CustomAnswer): unknown {
  const [first = '', ...more] = stdout.split('\n');
  const [text = '', firstData = ''] = first.split('|', 2);
  const bar = more.findIndex((line) => line.includes('|'));
  const moreData = bar === -1 ? [] : [(more[bar] ?? '').split('|', 2)[1] ?? '', ...more.slice(bar + 1)];
  return {
    state: STATES[status] ?? 'unknown',
    text: text.trim().slice(0, 1000),
    perfdata: [firstData, ...moreData]
      .join(' ')
      .trim()
      .split(/\s+/)
      .filter((one) => one !== '')
      .slice(0, 100),
  };
}

async function planCheck(host: Host, call: CustomCall): Promise<Planned> {
  const answer = await host.queries.ask('custom.ask', { ...call, phase: 'run' });
  return { ok: true, changes: [], notes: [], data: readCheck(answer) };
}

async function planChange(host: Host, call: CustomCall, { manifest, name }: CustomSource): Promise<Planned> {
  const notes: string[] = [];
  if (manifest.plan !== null) {
    const answer = await host.queries.ask('custom.ask', { ...call, phase: 'plan' });
    if (answer.status === PLAN_SO_ALREADY)
      return { ok: true, changes: [], notes: linesOf(answer.stdout).slice(0, MOST_NOTES) };
    if (answer.status !== PLAN_WOULD_CHANGE) return { ok: false, code: 'ACTION_REFUSED', detail: said(answer) };
    notes.push(...linesOf(answer.stdout).slice(0, MOST_NOTES));
  } else notes.push('It has no plan program: what it will change is not known');
  if (manifest.verify === null)
    notes.push('It has no verify program: its exit code is all that is known of its effect');
  if (manifest.undo === null) notes.push('It has no undo program: what it does can not be taken back');
  const proof = { canUndo: manifest.undo !== null, canVerify: manifest.verify !== null };
  const changes: Change[] = [
    {
      kind: 'task',
      task: 'custom.run',
      args: { ...call, phase: 'undo', ...proof },
      title: `Take back custom.${name}`,
      when: 'undo',
    },
    {
      kind: 'task',
      task: 'custom.run',
      args: { ...call, phase: 'run', ...proof },
      title: `Run custom.${name}`,
      when: 'apply',
    },
  ];
  return { ok: true, changes, notes };
}

async function verifyChange(host: Host, call: CustomCall, { manifest }: CustomSource): Promise<readonly Verified[]> {
  if (manifest.verify === null) return [];
  const answer = await host.queries.ask('custom.ask', { ...call, phase: 'verify' });
  return [{ name: 'Its verify program agrees', ok: answer.status === 0, saw: said(answer).slice(0, 500) }];
}

/** The action that a folder on a node makes; the same path as any other: schema, policy, locks, journal, verify. */
export function defineCustom(source: CustomSource): ActionDefinition {
  const { name, hash, manifest } = source;
  const callOf = (args: Args): CustomCall => ({ name, hash, args });
  const definition: ActionDefinition<Args> = {
    name: `custom.${name}`,
    version: manifest.version,
    title: manifest.title,
    docs: manifest.docs,
    risk: manifest.risk,
    roles: manifest.roles,
    needsRoot: true,
    readOnly: manifest.kind === 'check',
    // Plain JSON Schema, which is what the schema library takes and makes.
    args: customSchema(manifest.args),
    filledIn: [],
    // Each of its programs may take its own time.
    timeoutMs: manifest.timeoutSeconds * 4 * 1000,
    programs: [],
    normalise: (args) => readCustomArguments(manifest.args, args),
    locks: () => [...new Set([`custom:${name}`, ...manifest.locks])].sort(),
    plan: (host, args) =>
      manifest.kind === 'check' ? planCheck(host, callOf(args)) : planChange(host, callOf(args), source),
    verify: (host, args) => verifyChange(host, callOf(args), source),
  };
  return definition;
}
