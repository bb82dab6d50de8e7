import type { SiteFinding } from '@hauban/shared/actions';

/**
 * What lines of a .htaccess mean under PHP-FPM and with the overrides that our sites allow. Texts of the file never
 * become part of a finding, names of a closed form apart: the file is the customer's, and the finding is shown to others.
 */

type Found = Omit<SiteFinding, 'file' | 'line'>;

const SETTING = /^[a-z][a-z0-9_.]{0,60}$/;
const MAX_LINE = 8192;
/** More of one file say nothing more. */
const MAX_FINDINGS = 100;

const phpSetting = (directive: string, words: readonly string[]): Found => {
  const name = (words[1] ?? '').toLowerCase();
  const setting = SETTING.test(name) ? name : 'the setting';
  return {
    severity: 'ignored',
    what: `${directive} is for PHP inside Apache; PHP-FPM does not read it`,
    fix: `Write ${setting} into .user.ini beside it, or set it with php.set-limits.`,
  };
};

const handler = (directive: string, rest: string): Found | null => {
  if (/proxy:|fcgi:/i.test(rest))
    return {
      severity: 'risk',
      what: `${directive} points to a socket or a proxy`,
      fix: 'Remove it: PHP of this account is reached without it, and another account is not reached by it.',
    };
  return /php/i.test(rest)
    ? {
        severity: 'breaks',
        what: `${directive} asks for PHP inside Apache; PHP in such files is not run here, and its source is shown`,
        fix: 'Give the files the ending .php, or rewrite their addresses to .php files.',
      }
    : null;
};

function judgeDirective(text: string): Found | null {
  const words = text.split(/\s+/, 20);
  const directive = words[0] ?? '';
  const rest = text.slice(directive.length);
  switch (directive.toLowerCase()) {
    case 'php_value':
    case 'php_flag':
    case 'php_admin_value':
    case 'php_admin_flag':
      return phpSetting(directive.toLowerCase(), words);
    case 'options':
      return {
        severity: 'ignored',
        what: 'Options is ignored here: listings are off, links are followed when the owner is the same',
        fix: 'Remove the line; it took sites down elsewhere when it named an option without + or -.',
      };
    case 'addhandler':
    case 'addtype':
    case 'sethandler':
    case 'forcetype':
      return handler(directive, rest);
    case 'rewriterule':
      return /\[[^\]]*\bP\b[^\]]*\]\s*$|proxy:|fcgi:/i.test(rest) ? handler('RewriteRule', 'proxy:') : null;
    default:
      return null;
  }
}

const unclosed = (name: string): Found => ({
  severity: 'breaks',
  what: `<${name}> is not closed: Apache answers 500 for everything in this folder`,
  fix: `Add </${name}> where the section ends.`,
});
const stray = (name: string): Found => ({
  severity: 'breaks',
  what: `</${name}> closes nothing that is open: Apache answers 500 for everything in this folder`,
  fix: `Remove it, or add the <${name}> that it belongs to.`,
});

/** Findings of one file, by line. */
export function judgeHtaccess(file: string, content: string): readonly SiteFinding[] {
  const found: SiteFinding[] = [];
  const open: { readonly name: string; readonly line: number }[] = [];
  let joined = '';
  let start = 1;
  for (const [index, raw] of content.split('\n').entries()) {
    if (found.length >= MAX_FINDINGS) break;
    if (joined === '') start = index + 1;
    const piece = raw.replace(/\r$/, '');
    if (piece.endsWith('\\') && joined.length < MAX_LINE) {
      joined += `${piece.slice(0, -1)} `;
      continue;
    }
    const text = (joined + piece).trim().slice(0, MAX_LINE);
    joined = '';
    if (text === '' || text.startsWith('#')) continue;
    const section = /^<(\/?)([A-Za-z]{1,30})/.exec(text);
    if (section === null) {
      const finding = judgeDirective(text);
      if (finding !== null) found.push({ file, line: start, ...finding });
      continue;
    }
    const [, slash, name = ''] = section;
    if (slash === '') open.push({ name, line: start });
    else if (open.at(-1)?.name.toLowerCase() === name.toLowerCase()) open.pop();
    else found.push({ file, line: start, ...stray(name) });
  }
  return [...found, ...open.map(({ name, line }) => ({ file, line, ...unclosed(name) }))];
}
