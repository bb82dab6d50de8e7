import { parseNodePolicy, type NodePolicy } from '@hauban/shared/policy';
import { parse, TomlError } from 'smol-toml';
import { loadPolicySource, policyStamp } from '../store/index.ts';

/** The policy as it stands, or why nothing is allowed. `text` is what the page shows. */
export type LoadedPolicy =
  | { readonly ok: true; readonly policy: NodePolicy; readonly text: string }
  | { readonly ok: false; readonly problems: readonly string[]; readonly text: string };

/** Room for the sentences that go before the file's own text. */
const SHOWN_CHARACTERS = 60_000;

function refused(problems: readonly string[], source: string): LoadedPolicy {
  const lines = problems.slice(0, 50).map((problem) => `# ${problem.replaceAll(/\s/g, ' ').slice(0, 300)}`);
  const text = ['# This policy is not usable, so this node allows nothing:', ...lines, '', source].join('\n');
  return { ok: false, problems, text: text.slice(0, SHOWN_CHARACTERS) };
}

/** Reads a policy file once. Whatever is wrong with it, the answer is that nothing is allowed. */
export function loadLocalPolicy(path: string, ownerUid: number): LoadedPolicy {
  const source = loadPolicySource(path, ownerUid);
  if (!source.ok) return refused([source.problem], '');
  let value: unknown;
  try {
    value = parse(source.text);
  } catch (error) {
    if (error instanceof TomlError)
      return refused([`line ${error.line}: ${error.message.split('\n')[0] ?? ''}`], source.text);
    throw error;
  }
  const parsed = parseNodePolicy(value);
  return parsed.ok
    ? { ...parsed, text: source.text.slice(0, SHOWN_CHARACTERS) }
    : refused(parsed.problems, source.text);
}

/** The policy file, read again whenever it is another one than before: an edit counts from the next order on. */
export function createLocalPolicy(path: string, ownerUid: number): () => LoadedPolicy {
  let stamp = '';
  let loaded: LoadedPolicy | null = null;
  return () => {
    const now = policyStamp(path);
    if (loaded === null || now !== stamp) {
      loaded = loadLocalPolicy(path, ownerUid);
      stamp = now;
    }
    return loaded;
  };
}
