export const USAGE = `Usage: hauban-controller <command>
  serve        pages, REST and the links of the nodes
  signer       the process that holds the authority key
  migrate      bring the database to this version's tables
  setup-link   print a one-time link for making the first account
  join-token   print a token that lets a machine in
                 --role web        role of the node (may be repeated)
                 --label a=b       label of the node (may be repeated)
                 --uses 1          how many machines
                 --minutes 15      how long
                 --host-name X     only the machine of that name
  verify-audit check the audit log's chain from its first row to its last
  rotate-authority-key  a new key for signing orders; owners approve it where there is a policy bundle
                 --overlap-hours 24  how long nodes take the old one as well; 0: not at all
  rotate-link-key  (as root, with HAUBAN_SIGNER_DIR) a new key for the links of the nodes
                 --overlap-hours 24  how long nodes take the old one as well; 0: not at all
  rotate-webhook-key  a new key for signing webhooks, shown for a day before it signs
                 --at-once      the old one was stolen: it is worth nothing from now on
  backup FILE  database and keys in one new encrypted file, also while all of it runs
  restore FILE [--replace]  (while nothing runs) puts such a file back, and does after-restore
  after-restore  (once, after a restore from a backup) believe each node once
Configuration is the environment:
  DATABASE_URL            PostgreSQL 15 or newer: postgres://user:password@host:5432/database
  HAUBAN_SIGNER_SOCKET    Unix socket of the signer
  HAUBAN_SIGNER_DIR       (signer) folder of the authority key and of the policy bundles
  HAUBAN_SIGNER_PASSPHRASE_FILE  (signer) file with the passphrase that seals the key; a systemd credential
                          "hauban-signer-passphrase" does the same; without, the key is a plain file
  HAUBAN_SIGNER_PKCS11    (signer) module,label,PIN file: the key is on a PKCS#11 token instead
  HAUBAN_SIGNER_CALLER    (signer) user of the controller, where it is not the signer's own: nobody else may ask
  HAUBAN_CONTROLLER_DIR   folder of the link key that all nodes are pinned to
  HAUBAN_LISTEN           host:port; default 127.0.0.1:7460
  HAUBAN_PUBLIC_URL       the address that people type and nodes dial; default: where it listens
  HAUBAN_TLS_CERT, HAUBAN_TLS_KEY  PEM files, when no proxy ends TLS
  HAUBAN_TRUSTED_PROXIES  addresses whose X-Forwarded-For is believed, with commas between
  HAUBAN_UI_DIR           the built web interface
  HAUBAN_AUDIT_WITNESS_FILE  a file on another disk that signed heads of the audit log are appended to
  HAUBAN_AUDIT_WITNESS_URL   a web hook that they are sent to
  HAUBAN_SIGN_ON_FILE     a JSON file that names identity providers to sign in by; see docs/sign-on.md
  HAUBAN_WEBHOOK_FILE     a JSON file that says where webhooks may be sent besides; see docs/rest-api.md
  HAUBAN_BACKUP_PASSPHRASE_FILE  (backup, restore) file with the passphrase of the backup
  HAUBAN_LOG_LEVEL        debug, info, warn, error, silent; default info`;
