/** Where mail of hosting lies, and what Postfix and Dovecot are told. Pure. */

/** Root's: lists of mailboxes, and the tables made of them. */
export const MAIL_CONFIG = '/etc/hosting/mail';
/** A folder a domain, root's; in it one a mailbox, of the user vmail. */
export const MAIL_ROOT = '/srv/mail';
/** Messages of deleted mailboxes. */
export const MAIL_KEPT = `${MAIL_ROOT}/.kept`;
export const VMAIL = { name: 'vmail', uid: 5000 } as const;

export const mailFolderOf = (address: string): string => {
  const [local = '', domain = ''] = address.split('@');
  return `${MAIL_ROOT}/${domain}/${local}`;
};

/** For `!include /etc/hosting/mail/dovecot.conf` in /etc/dovecot/local.conf. The list of who is suspended is asked first. */
export const DOVECOT_SNIPPET = `# Managed by Hauban. Where it was changed by hand, actions refuse to touch it.
passdb {
  driver = passwd-file
  deny = yes
  args = username_format=%Lu ${MAIL_CONFIG}/denied
}
passdb {
  driver = passwd-file
  args = username_format=%Lu ${MAIL_CONFIG}/users
}
userdb {
  driver = passwd-file
  args = username_format=%Lu ${MAIL_CONFIG}/users
  default_fields = uid=${VMAIL.uid} gid=${VMAIL.uid} home=${MAIL_ROOT}/%Ld/%Ln
}
mail_location = maildir:~/Maildir
mail_plugins = quota
plugin {
  quota = maildir:User quota
}
protocol imap {
  mail_plugins = quota imap_quota
}
`;

/** What main.cf needs; with long ids a message can not be taken for a later one while it is worked on. */
export const POSTFIX_LINES = [
  `virtual_mailbox_domains = hash:${MAIL_CONFIG}/domains`,
  `virtual_mailbox_maps = hash:${MAIL_CONFIG}/mailboxes`,
  'virtual_transport = lmtp:unix:private/dovecot-lmtp',
  'enable_long_queue_ids = yes',
] as const;
