import type { PackageUpdate } from '@hauban/shared/actions';

/**
 * A line of `apt-get --simulate upgrade`: `Inst libc6 [2.36-9] (2.36-10 Debian-Security:12/oldstable-security [amd64])`.
 * Several origins stand there separated by comma and space; a package of all architectures says `[all]`.
 */
const INST = /^Inst (\S+) \[(\S+)\] \((\S+) (.+?) \[(\S+)\]\)/;

/** Debian's own label, and the pockets of Ubuntu. */
const SECURITY = /(?:^|, )(?:Debian-Security:|Ubuntu:[^,]*\/[a-z]+-security(?:$|,))/;

/** The new packages that an upgrade would bring have no version in brackets: they are not updates, and `upgrade` brings none. */
export function parseSimulation(text: string): readonly PackageUpdate[] {
  return text.split('\n').flatMap((line): readonly PackageUpdate[] => {
    const found = INST.exec(line);
    if (found === null) return [];
    const [, fullName = '', from = '', to = '', origin = '', architecture = ''] = found;
    const name = fullName.split(':')[0] ?? fullName;
    return [{ name, architecture, from, to, origin, isSecurity: SECURITY.test(origin) }];
  });
}
