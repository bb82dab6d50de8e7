import { HaubanError } from '@hauban/shared/errors';

/** XML as data: text never becomes markup, whatever is in it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (XmlElement | string)[];
}

export const element = (
  name: string,
  attributes: XmlElement['attributes'] = {},
  ...children: XmlElement['children']
): XmlElement => ({ name, attributes, children });

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 has no way to write other characters, escaped or not. */
const WRITABLE = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

function escapeXml(text: string): string {
  if (!WRITABLE.test(text)) throw new HaubanError('ACTION_REFUSED', 'a text holds a character that XML can not hold');
  return text.replaceAll(/[&<>"']/g, (one) => REFERENCES[one] ?? '');
}

function checkName(name: string): string {
  if (!NAME.test(name)) throw new HaubanError('ACTION_REFUSED', `${JSON.stringify(name)} is no name of XML`);
  return name;
}

export function renderXml({ name, attributes, children }: XmlElement): string {
  const tag = checkName(name);
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${checkName(key)}="${escapeXml(String(value))}"`);
  const inside = children.map((child) => (typeof child === 'string' ? escapeXml(child) : renderXml(child)));
  return `<${tag}${pairs.join('')}>${inside.join('')}</${tag}>`;
}
