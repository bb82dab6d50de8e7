/** Where to go after sign-in: an address of our own pages only, whatever the link says. */
export function safeNext(next: string | undefined): string {
  if (next === undefined || !/^\/(?![/\\])/.test(next)) return '/';
  // The browser drops tabs and line feeds inside an address, so `/\t/evil` would become `//evil`.
  return /[\t\n\r]/.test(next) ? '/' : next;
}
