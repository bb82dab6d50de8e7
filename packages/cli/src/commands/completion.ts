import type { Command } from 'commander';
import type { ActionRow, NodePage, RunPage } from '@hauban/shared/api';
import { optionName, type ArgumentSchema } from '../arguments.ts';
import { CliError } from '../cli-error.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';

/** Scripts that ask `hauban complete` for the words that fit; it answers one word a line. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_hauban() { mapfile -t COMPREPLY < <(hauban complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); }
complete -F _hauban hauban
`,
  zsh: `#compdef hauban
_hauban() { local -a found; found=("\${(@f)$(hauban complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"); compadd -- $found; }
compdef _hauban hauban
`,
  fish: `complete -c hauban -f -a '(hauban complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
};

const RUNS_OFFERED = 50;

async function nodeNames(context: Context): Promise<string[]> {
  const page = await context.api().get<NodePage>('/api/nodes', { limit: 1000 });
  // A name with anything but these characters came from a hostile node and may not reach a shell's completion.
  return page.nodes.map((node) => node.hostName).filter((name) => /^[A-Za-z0-9._-]+$/.test(name));
}

async function candidates(program: Command, context: Context, words: readonly string[]): Promise<string[]> {
  const before = words.slice(0, -1);
  const [first, second] = before;
  if (first === undefined)
    return program.commands.map((command) => command.name()).filter((name) => name !== 'complete');
  if (before.at(-1) === '--on' || first === 'shell') return await nodeNames(context);
  if (first === 'node') return second === undefined ? ['show'] : await nodeNames(context);
  if (first === 'plan' || first === 'run' || first === 'actions') {
    const actions = await context.api().get<ActionRow[]>('/api/actions');
    if (second === undefined) return actions.map((row) => row.name);
    const schema = actions.find((row) => row.name === second)?.args as ArgumentSchema | undefined;
    const own = program.commands.find((one) => one.name() === first)?.options.map((option) => option.long ?? '') ?? [];
    return [...own.filter((name) => name !== ''), ...Object.keys(schema?.properties ?? {}).map(optionName)];
  }
  if (first === 'runs') {
    const runs = program.commands.find((one) => one.name() === 'runs');
    if (second === undefined) return runs?.commands.map((one) => one.name()) ?? [];
    return (await context.api().get<RunPage>('/api/runs', { limit: RUNS_OFFERED })).runs.map(({ id }) => id);
  }
  if (first === 'completion') return Object.keys(SCRIPTS);
  const command = program.commands.find((one) => one.name() === first);
  return command?.options.map((option) => option.long ?? '').filter((name) => name !== '') ?? [];
}

export function addCompletion(program: Command, context: Context): void {
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('Print a completion script, e.g.: source <(hauban completion bash)')
    .action((shell: string) => {
      const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
      if (script === undefined)
        throw new CliError(
          EXIT.usage,
          'BAD_REQUEST',
          `There is no completion for "${shell}": choose ${Object.keys(SCRIPTS).join(', ')}.`,
        );
      context.terminal.out(script.trimEnd());
    });
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const typed = words.at(-1) ?? '';
      const found = await candidates(program, context, words.length === 0 ? [''] : words);
      for (const word of found.filter((one) => one.startsWith(typed))) context.terminal.out(word);
    });
}
