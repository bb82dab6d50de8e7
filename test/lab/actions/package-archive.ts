import type { LabNode } from '../apache.ts';

/** Debian packages and an archive of them on a node's own disk. */
export const REPOSITORY = '/srv/repository';

/** A package with nothing but a text in it. */
export async function makePackage(node: LabNode, name: string, version: string): Promise<void> {
  const folder = `/srv/made/${name}_${version}`;
  await node.writeFile(`${folder}/usr/share/${name}/version`, `${version}\n`);
  await node.writeFile(
    `${folder}/DEBIAN/control`,
    `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Lab <lab@example.net>\nDescription: made for a test\n`,
  );
  await node.mustRun('/usr/bin/dpkg-deb', [
    '--build',
    '--root-owner-group',
    folder,
    `${REPOSITORY}/${name}_${version}.deb`,
  ]);
}

/** An archive on the node's own disk that calls itself Debian's security archive, or another. */
export async function writeArchive(
  node: LabNode,
  label: string,
  packages: readonly (readonly [string, string])[],
): Promise<void> {
  // apt rightly refuses an archive that changes its name.
  await node.mustRun('/usr/bin/find', ['/var/lib/apt/lists', '-type', 'f', '-delete']);
  const entries: string[] = [];
  for (const [name, version] of packages) {
    const file = `${name}_${version}.deb`;
    const sum = (await node.mustRun('/usr/bin/sha256sum', [`${REPOSITORY}/${file}`])).stdout.split(' ')[0];
    const size = (await node.mustRun('/usr/bin/stat', ['--format=%s', `${REPOSITORY}/${file}`])).stdout.trim();
    entries.push(
      `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Lab <lab@example.net>\nFilename: ./${file}\nSize: ${size}\nSHA256: ${sum}\nDescription: made for a test\n`,
    );
  }
  await node.writeFile(`${REPOSITORY}/Packages`, entries.join('\n'));
  const sum = (await node.mustRun('/usr/bin/sha256sum', [`${REPOSITORY}/Packages`])).stdout.split(' ')[0];
  const size = (await node.mustRun('/usr/bin/stat', ['--format=%s', `${REPOSITORY}/Packages`])).stdout.trim();
  await node.writeFile(
    `${REPOSITORY}/Release`,
    `Origin: Debian\nLabel: ${label}\nSuite: oldstable-security\nVersion: 12\nCodename: bookworm-security\nDate: ${new Date(0).toUTCString()}\nArchitectures: all amd64\nSHA256:\n ${sum} ${size} Packages\n`,
  );
}
