// Sets the reader's colour scheme before the first paint. A file of its own: the content policy forbids inline script.
(() => {
  let choice = 'auto';
  try {
    choice = localStorage.getItem('mantine-color-scheme-value') ?? 'auto';
  } catch (error) {
    // Storage may be forbidden by the browser's settings; the system's scheme is then right.
    if (!(error instanceof DOMException)) throw error;
  }
  const dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
