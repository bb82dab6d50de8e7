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

const ROW = /^\| ([^|\s]+) \| (start|lazy|native) \| ([^|]+) \|$/gm;

/** Each package has one row with a reason; each row is of a package that is declared or bundled; the time of loading is right. */
export function checkReasons(page: string, declared: readonly string[], modules: string): string[] {
  const rows = new Map([...page.matchAll(ROW)].map(([, name = '', when = '', why = '']) => [name, { when, why }]));
  const loads = new Map(
    modules
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.split(' ')[1] ?? '', line.split(' ')[0] ?? '']),
  );
  const all = new Set([...declared, ...loads.keys()]);
  const out: string[] = [];
  for (const name of all) {
    const row = rows.get(name);
    if (row === undefined) out.push(`DEPENDENCIES.md: no reason for ${name}`);
    else if (row.why.trim().length < 20) out.push(`DEPENDENCIES.md: the reason for ${name} says nothing`);
    else if (loads.has(name) && loads.get(name) !== row.when)
      out.push(`DEPENDENCIES.md: ${name} is loaded ${String(loads.get(name))}, the page says ${row.when}`);
  }
  for (const name of rows.keys())
    if (!all.has(name)) out.push(`DEPENDENCIES.md: ${name} is neither declared nor bundled — delete its row`);
  return out;
}
