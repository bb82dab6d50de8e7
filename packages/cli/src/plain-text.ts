/**
 * Text that came from a node or another person, made safe for a terminal: escape sequences and other control
 * characters would move the cursor, change colours or hide what follows (a host name with `\x1b[2J` in it).
 */
export function plainText(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced here
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** One line: line breaks and tabs become blanks. */
export function plainLine(text: string): string {
  return plainText(text.replaceAll(/[\n\r\t]+/g, ' '));
}
