/**
 * The header of a qcow2 disk, read by ourselves before any program opens the file: to open one that names another file
 * (backing file, data file) is to open that other file too, as root. Numbers are big-endian; see the format's
 * description in QEMU, docs/interop/qcow2.txt.
 */
export type Qcow2Header =
  | { readonly ok: true; readonly sizeBytes: number }
  | { readonly ok: false; readonly problem: string };

export const QCOW2_HEADER_BYTES = 104;
const MAGIC = 0x51_46_49_fb;
/** Bit 2 of the incompatible features. */
const EXTERNAL_DATA_FILE = 4n;

const refused = (problem: string): Qcow2Header => ({ ok: false, problem });

export function parseQcow2Header(bytes: Buffer): Qcow2Header {
  if (bytes.length < QCOW2_HEADER_BYTES || bytes.readUInt32BE(0) !== MAGIC) return refused('it is no qcow2 disk');
  const version = bytes.readUInt32BE(4);
  if (version !== 3) return refused(`it has version ${version} of qcow2: convert it with qemu-img to version 3`);
  if (bytes.readBigUInt64BE(8) !== 0n || bytes.readUInt32BE(16) !== 0)
    return refused('it leans on another file (a backing file): convert it with qemu-img to one that stands alone');
  if (bytes.readUInt32BE(32) !== 0) return refused('it is encrypted');
  if ((bytes.readBigUInt64BE(72) & EXTERNAL_DATA_FILE) !== 0n)
    return refused('its data lie in another file: convert it with qemu-img to one that stands alone');
  const sizeBytes = bytes.readBigUInt64BE(24);
  if (sizeBytes === 0n || sizeBytes > 2n ** 50n) return refused('it says that it has an impossible size');
  return { ok: true, sizeBytes: Number(sizeBytes) };
}
