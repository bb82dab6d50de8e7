/**
 * The whole controller in one encrypted file, and back: the database as one snapshot of it, and the folders of its keys.
 * No pg_dump: the database is copied table by table, so that it works with any server and without its programs.
 */
export { makeBackup } from './make-backup.ts';
export { restoreBackup } from './restore-backup.ts';
