/**
 * What `hauban-controller` can be asked to do, one file a command: each reads its own part of the configuration and
 * builds what it needs by plain arguments. Nothing else may import from here but main.ts.
 */
import { afterRestore } from './after-restore.ts';
import { makeBackupFile, restoreBackupFile } from './backup-file.ts';
import { joinToken } from './join-token.ts';
import { migrate } from './migrate.ts';
import { rotateAuthorityKey } from './rotate-authority-key.ts';
import { rotateLinkKey } from './rotate-link-key.ts';
import { rotateWebhookKey } from './rotate-webhook-key.ts';
import { serveSigner } from './serve-signer.ts';
import { serve } from './serve.ts';
import { setupLink } from './setup-link.ts';
import { verifyAudit } from './verify-audit.ts';

export { USAGE } from './usage.ts';

export const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  serve,
  signer: serveSigner,
  migrate,
  'setup-link': setupLink,
  'join-token': joinToken,
  'verify-audit': verifyAudit,
  'rotate-authority-key': rotateAuthorityKey,
  'rotate-link-key': rotateLinkKey,
  'rotate-webhook-key': rotateWebhookKey,
  backup: makeBackupFile,
  restore: restoreBackupFile,
  'after-restore': afterRestore,
};
