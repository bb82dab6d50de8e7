import type { WebSite } from '@hauban/shared/actions';

/** What `apache2ctl -S` and `-M` print (Apache 2.4). */

const PLACE = /\((\/.+):(\d+)\)\s*$/;

/** Ports on which TLS is spoken are not in the listing: the caller knows from the directives. */
export function parseSites(text: string, isSecure: (file: string, line: number) => boolean): readonly WebSite[] {
  const sites: (WebSite & { aliases: string[] })[] = [];
  let isDefaultNext = false;
  const add = (serverName: string, port: number, place: RegExpExecArray | null, isDefault: boolean): void => {
    const [file, line] = [place?.[1] ?? '', Number(place?.[2] ?? 0)];
    sites.push({ serverName, aliases: [], file, line, port, secure: isSecure(file, line), isDefault });
  };
  for (const raw of text.split('\n')) {
    const line = raw.trimEnd();
    const named = /^\s+port (\d+) namevhost (\S+)/.exec(line);
    // A single virtual host on its address and port: `*:8080   x.example (/file:1)`.
    const single = /^(?:\S+):(\d+|\*)\s+(\S+) \(/.exec(line);
    const alias = /^\s+(?:wild )?alias (\S+)/.exec(line);
    if (/is a NameVirtualHost\s*$/.test(line)) isDefaultNext = true;
    else if (named !== null) {
      // The first one listed below an address is its default server.
      add(named[2] ?? '', Number(named[1]), PLACE.exec(line), isDefaultNext);
      isDefaultNext = false;
    } else if (single !== null && PLACE.test(line))
      add(single[2] ?? '', Number(single[1]) || 80, PLACE.exec(line), true);
    else if (alias !== null) sites.at(-1)?.aliases.push(alias[1] ?? '');
  }
  return sites;
}

/** ` proxy_fcgi_module (shared)` -> `proxy_fcgi`. */
export const parseModules = (text: string): readonly string[] =>
  [...text.matchAll(/^\s+(\S+)_module \((?:shared|static)\)/gm)].map(([, name]) => name ?? '');
