/** What the agent's bundle holds, against what was reviewed: pure comparisons, each difference with what to do. */

/** Line by line, both ways. */
export function compareModules(found: string, reviewed: string): string[] {
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  const [inside, listed] = [lines(found), lines(reviewed)];
  return [
    ...inside.filter((line) => !listed.includes(line)).map((line) => `new in the bundle: ${line}`),
    ...listed.filter((line) => !inside.includes(line)).map((line) => `no longer in the bundle: ${line}`),
  ].map(
    (says) =>
      `${says} — if that is meant: node packages/agent/bundle.mjs --update, and a row in packages/agent/DEPENDENCIES.md`,
  );
}

const ROW = /^\| ([^|\s]+) +\| ([^|]+) \|$/gm;

/** Each package that is declared or bundled has one row with a reason; each row is of such a package. */
export function checkReasons(page: string, declared: readonly string[], modules: string): string[] {
  const table = page.slice(page.indexOf('| -'));
  const rows = new Map([...table.matchAll(ROW)].map(([, name = '', why = '']) => [name, why]));
  const bundled = [...modules.matchAll(/^(\S+): /gm)].map(([, name = '']) => name);
  const all = new Set([...declared, ...bundled]);
  const out: string[] = [];
  for (const name of all) {
    const why = rows.get(name);
    if (why === undefined) out.push(`DEPENDENCIES.md: no reason for ${name}`);
    else if (why.trim().length < 20) out.push(`DEPENDENCIES.md: the reason for ${name} says nothing`);
  }
  for (const name of rows.keys()) {
    if (!all.has(name) && !/^-+$/.test(name))
      out.push(`DEPENDENCIES.md: ${name} is neither declared nor bundled — delete its row`);
  }
  return out;
}
