import { CUSTOM_NAME } from '@hauban/shared/actions';
import { parse, TomlError } from 'smol-toml';
import type { Section } from './section.ts';

const FOLDER = '/etc/hauban/actions';
const MOST_ACTIONS = 100;
const MOST_CHARACTERS = 64 * 1024;

/** The manifest as it is written, or what is wrong with it; whether it may run, the executor decides. */
function readManifest(text: string | null): { readonly manifest: unknown } | { readonly problem: string } {
  if (text === null) return { problem: 'its manifest.toml can not be read' };
  if (text.length > MOST_CHARACTERS) return { problem: 'its manifest.toml is too large' };
  try {
    return { manifest: parse(text) };
  } catch (error) {
    if (error instanceof TomlError) return { problem: `manifest.toml, line ${error.line}: not TOML` };
    throw error;
  }
}

/** Actions that the hoster has put here, so that they can be offered. */
export const custom: Section = {
  name: 'custom',
  async take(host) {
    const names = (await host.list(FOLDER)).filter((name) => CUSTOM_NAME.test(name)).slice(0, MOST_ACTIONS);
    return Promise.all(
      names.map(async (name) => ({ name, ...readManifest(await host.readText(`${FOLDER}/${name}/manifest.toml`)) })),
    );
  },
};
