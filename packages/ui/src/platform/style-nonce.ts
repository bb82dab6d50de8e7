/** The nonce of this load: without it the content policy lets no style element apply. Empty where no controller made the page. */
export function readStyleNonce(page: Document): string {
  // The attribute reads as empty, so that no style sheet can guess it: only a script gets the property.
  return page.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.nonce ?? '';
}

/**
 * Modals stop the page behind them from scrolling by a style element of react-remove-scroll, which takes its nonce from
 * this global of bundlers and from nowhere else.
 */
export function nameNonceForBundledStyles(nonce: string): void {
  Object.defineProperty(globalThis, '__webpack_nonce__', { value: nonce });
}
