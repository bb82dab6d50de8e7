/**
 * What xterm.js 6 does that the content policy forbids, done in a way that it allows: its style elements get the nonce, and
 * its style attributes (colours beyond the palette) are set through the object model instead of as markup.
 */

/**
 * The document for `documentOverride` of xterm.js. The nonce is given where a style element is put in, not where it is
 * made: one of them is made by `window.document` all the same, but all go into an element that was made here.
 */
export function createPolicyDocument(page: Document, nonce: string): Document {
  function appendChild<T extends Node>(this: Element, child: T): T {
    if (child instanceof HTMLStyleElement) child.nonce = nonce;
    Node.prototype.appendChild.call(this, child);
    return child;
  }
  const createElement = (name: string): HTMLElement => Object.assign(page.createElement(name), { appendChild });
  return new Proxy(page, {
    get: (target, key) => {
      if (key === 'createElement') return createElement;
      // Of the document itself: its getters and methods accept no stand-in.
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/**
 * From now on `setAttribute('style', …)` of a span is as `style.cssText = …`. Of all spans of the page, since xterm.js makes
 * the cells of its rows without `documentOverride`. It lets nothing in: markup is not parsed by setAttribute.
 */
export function allowSpanStyles(): void {
  HTMLSpanElement.prototype.setAttribute = function setAttribute(name, value) {
    if (name === 'style') this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}
