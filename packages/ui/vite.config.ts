import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

/**
 * The page is served by the controller under a strict content policy: no inline script, no style element without the
 * nonce that the controller puts into index.html, nothing from other hosts, so assets stay files (no data: URLs) and the
 * preload polyfill is left out. `source`: shared is read unbuilt.
 */
export default defineConfig({
  base: '/',
  plugins: [react()],
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: {
    outDir: 'dist/web',
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Shared is pure: a module of which nothing is used may be left out.
    rolldownOptions: { treeshake: { moduleSideEffects: (id) => !id.includes('/packages/shared/src/') } },
  },
  server: { proxy: { '/api': { target: 'http://127.0.0.1:8080', ws: true } } },
});
