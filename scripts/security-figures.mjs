// `node scripts/security-figures.mjs`: asks `systemd-analyze security` about each unit and writes what it says to
// systemd/security-figures.json. A figure may only fall: one that rose is an error, and is only taken by hand.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../systemd');
const file = join(folder, 'security-figures.json');

/** 0 (safest) to 10, of the file alone: the same on every machine with the same systemd. */
function figureOf(unit) {
  const args = ['security', '--offline=yes', '--no-pager', join(folder, unit)];
  const { stdout, stderr } = spawnSync('/usr/bin/systemd-analyze', args, {
    encoding: 'utf8',
    cwd: '/',
    env: { LANG: 'C.UTF-8' },
  });
  const figure = /Overall exposure level for \S+: ([0-9.]+)/.exec(stdout ?? '')?.[1];
  if (figure !== undefined) return Number(figure);
  process.stderr.write(`systemd-analyze says nothing about ${unit}: ${stderr ?? 'it is not installed'}\n`);
  return process.exit(1);
}

const { figures: before } = JSON.parse(readFileSync(file, 'utf8'));
const units = readdirSync(folder).filter((name) => name.endsWith('.service'));
const figures = Object.fromEntries(units.sort().map((unit) => [unit, figureOf(unit)]));
const rose = units.filter((unit) => unit in before && figures[unit] > before[unit]);
for (const unit of units) process.stdout.write(`${unit}: ${before[unit] ?? 'new'} -> ${figures[unit]}\n`);
if (rose.length > 0) {
  process.stderr.write(`Not written: ${rose.join(', ')} would be less confined than before.\n`);
  process.exit(1);
}
const about = 'systemd-analyze security --offline=yes, systemd 252; written by scripts/security-figures.mjs';
writeFileSync(file, `${JSON.stringify({ about, figures }, null, 2)}\n`);
