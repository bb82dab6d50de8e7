/**
 * Text that came from a node, made safe to read: control characters, direction overrides and zero-width characters
 * are shown as what they are, so that a diff or a host name cannot look like another one. Escaping markup is React's
 * work; this is about characters that deceive the eye. Tab and line feed stay.
 */
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function name(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  // The Unicode "control pictures" for C0 and DEL; the number for all others.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `\u27E8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27E9`;
}

export function visibleText(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(HIDDEN, name);
}

/** Like `visibleText` for one line: line feeds and tabs too, and cut to `max` characters. */
export function visibleLine(text: string, max = 500): string {
  const line = visibleText(text).replaceAll('\n', '\u240A').replaceAll('\t', '\u2409');
  return line.length > max ? `${line.slice(0, max)}\u2026` : line;
}
