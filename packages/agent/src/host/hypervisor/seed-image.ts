/**
 * A disc image with two files, `meta-data` and `user-data`, as cloud-init's NoCloud source looks for: ISO 9660 (ECMA-119),
 * volume `cidata`, all in the root folder. Without times, so that equal texts make equal images.
 */
const SECTOR = 2048;
const PATH_TABLE_AT = 18;
const ROOT_AT = 20;
const FIRST_FILE_AT = 21;

interface Placed {
  readonly identifier: Buffer;
  readonly content: Buffer;
  readonly sector: number;
}

/** Both byte orders, as the standard wants them. */
function both32(target: Buffer, at: number, value: number): void {
  target.writeUInt32LE(value, at);
  target.writeUInt32BE(value, at + 4);
}
function both16(target: Buffer, at: number, value: number): void {
  target.writeUInt16LE(value, at);
  target.writeUInt16BE(value, at + 2);
}

/** A record of a folder (9.1): no time, no further attributes. */
function directoryRecord(identifier: Buffer, sector: number, sizeBytes: number, isFolder: boolean): Buffer {
  const record = Buffer.alloc(33 + identifier.length + (identifier.length % 2 === 0 ? 1 : 0));
  record.writeUInt8(record.length, 0);
  both32(record, 2, sector);
  both32(record, 10, sizeBytes);
  record.writeUInt8(isFolder ? 2 : 0, 25);
  both16(record, 28, 1);
  record.writeUInt8(identifier.length, 32);
  identifier.copy(record, 33);
  return record;
}

const SELF = Buffer.from([0]);
const PARENT = Buffer.from([1]);

/** 8.4; texts are filled with blanks, dates that are not given are zeros in digits and a zero byte. */
function primaryDescriptor(sectors: number): Buffer {
  const descriptor = Buffer.alloc(SECTOR);
  descriptor.write('\u0001CD001\u0001', 0, 'latin1');
  descriptor.fill(' ', 8, 72);
  descriptor.write('cidata', 40, 'latin1');
  both32(descriptor, 80, sectors);
  both16(descriptor, 120, 1);
  both16(descriptor, 124, 1);
  both16(descriptor, 128, SECTOR);
  both32(descriptor, 132, 10);
  descriptor.writeUInt32LE(PATH_TABLE_AT, 140);
  descriptor.writeUInt32BE(PATH_TABLE_AT + 1, 148);
  directoryRecord(SELF, ROOT_AT, SECTOR, true).copy(descriptor, 156);
  descriptor.fill(' ', 190, 813);
  for (const at of [813, 830, 847, 864]) descriptor.fill('0', at, at + 16);
  descriptor.writeUInt8(1, 881);
  return descriptor;
}

function pathTable(order: 'LE' | 'BE'): Buffer {
  const table = Buffer.alloc(SECTOR);
  table.writeUInt8(1, 0);
  if (order === 'LE') table.writeUInt32LE(ROOT_AT, 2);
  else table.writeUInt32BE(ROOT_AT, 2);
  if (order === 'LE') table.writeUInt16LE(1, 6);
  else table.writeUInt16BE(1, 6);
  return table;
}

const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((SECTOR - (bytes.length % SECTOR)) % SECTOR)]);

export function buildSeedImage(metaData: string, userData: string): Buffer {
  let sector = FIRST_FILE_AT;
  const placed = [
    ['META-DATA.;1', metaData],
    ['USER-DATA.;1', userData],
  ].map(([name = '', text = '']): Placed => {
    const content = Buffer.from(text);
    const file = { identifier: Buffer.from(name), content, sector };
    sector += Math.max(1, Math.ceil(content.length / SECTOR));
    return file;
  });
  const root = Buffer.concat([
    directoryRecord(SELF, ROOT_AT, SECTOR, true),
    directoryRecord(PARENT, ROOT_AT, SECTOR, true),
    ...placed.map((file) => directoryRecord(file.identifier, file.sector, file.content.length, false)),
  ]);
  const end = Buffer.alloc(SECTOR);
  end.write('\u00ffCD001\u0001', 0, 'latin1');
  return Buffer.concat([
    ...[Buffer.alloc(16 * SECTOR), primaryDescriptor(sector), end],
    ...[pathTable('LE'), pathTable('BE'), padded(root)],
    ...placed.map(({ content }) => padded(content.length === 0 ? Buffer.alloc(1) : content)),
  ]);
}

/** For `cloud-init`: JSON is YAML too, so no text can become another setting. */
export function seedTexts(
  guest: string,
  sshKeys: readonly string[],
): { readonly metaData: string; readonly userData: string } {
  const settings = { hostname: guest, ssh_pwauth: false, ssh_authorized_keys: sshKeys };
  return {
    metaData: `${JSON.stringify({ 'instance-id': guest, 'local-hostname': guest })}\n`,
    userData: `#cloud-config\n${JSON.stringify(settings)}\n`,
  };
}

/** The keys in an image of ours; null when it is another one. */
export function readSeedKeys(image: Buffer, guest: string): readonly string[] | null {
  const start = image.indexOf('#cloud-config\n', FIRST_FILE_AT * SECTOR);
  const line = start < 0 ? '' : (image.toString('utf8', start).split('\n')[1] ?? '');
  const keys = [...line.matchAll(/"((?:ssh-|ecdsa-)[^"\\]{1,1500})"/g)].map(([, key]) => key ?? '');
  const { metaData, userData } = seedTexts(guest, keys);
  return buildSeedImage(metaData, userData).equals(image) ? keys : null;
}
