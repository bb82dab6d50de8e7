import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { PLAIN_SITE, SITE_MARK, siteConfig, type SiteSettings } from '../hosting-layout.ts';
import { Aliases, AllowList, BlockedFile, DocRoot, Https } from './site-args.ts';

const Stored = Type.Object(
  {
    aliases: Aliases,
    docroot: DocRoot,
    https: Https,
    blocked: Type.Array(Type.Object({ path: BlockedFile, allow: AllowList }, { additionalProperties: false }), {
      maxItems: 50,
    }),
  },
  { additionalProperties: false },
);

function storedSettings(content: string): SiteSettings | null {
  const line = content.split('\n')[1] ?? '';
  if (!line.startsWith(SITE_MARK)) return PLAIN_SITE;
  let stored: unknown;
  try {
    stored = JSON.parse(line.slice(SITE_MARK.length));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  return Value.Check(Stored, stored) ? (stored satisfies Static<typeof Stored>) : null;
}

/** What a site's file says it is; null when it is not, byte for byte, a file that we write. */
export function parseSite(account: string, domain: string, content: string): SiteSettings | null {
  const settings = storedSettings(content);
  return settings !== null && siteConfig(account, domain, settings) === content ? settings : null;
}
