/** What the actions on sites need of a machine. */

/** The folder that a site shows; made by the account itself, so that no link in its tree leads root astray. */
export interface DocumentRoot {
  readonly uid: number;
  readonly mode: number;
}

/** A certificate as people compare it. Its key is never part of anything that is shown or sent. */
export interface CertificateFacts {
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  readonly serial: string;
  readonly names: readonly string[];
  /** Unix ms. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly issuer: string;
  readonly isSelfSigned: boolean;
  /** `rsa 2048`, `ec prime256v1`. */
  readonly key: string;
  readonly isKeyStrong: boolean;
  readonly keyMatches: boolean;
  /** Each certificate of the file is signed by the next one. */
  readonly isChainInOrder: boolean;
}
/** Null: nothing is there. */
export type CertificateAnswer = { readonly facts: CertificateFacts } | { readonly problem: string } | null;

export interface ServedCertificate {
  readonly fingerprint: string;
  readonly serial: string;
}

/** One thing in a site's own files that behaves differently here, or breaks the site. */
export interface SiteFinding {
  /** Below the document root. */
  readonly file: string;
  /** Null: the whole file. */
  readonly line: number | null;
  readonly severity: 'breaks' | 'ignored' | 'risk';
  readonly what: string;
  readonly fix: string;
}
export interface SiteScan {
  readonly findings: readonly SiteFinding[];
  readonly filesRead: number;
  /** What was not looked at, and why; empty: all of it was. */
  readonly limits: readonly string[];
}

export interface WebResources {
  /** `account/path below var/www`. */
  readonly 'web.docroot': DocumentRoot;
  /** `domain/fingerprint`: a certificate with its key in a folder of its own, copied from the incoming folder. */
  readonly 'tls.version': Pick<CertificateFacts, 'fingerprint' | 'serial' | 'names'>;
}

export interface WebTasks {
  /** Restarts an account's PHP with the configuration on disk; a second master answers meanwhile. */
  /** `isBack`: when it is undone; what never came so far that another PHP answered then needs no restart. */
  readonly 'php.refresh': {
    readonly account: string;
    readonly version: string;
    readonly uid: number;
    readonly isBack?: true;
  };
  /** `pid`: of the master that is to be replaced; when another one runs, nothing is done, and without one it is started. */
  readonly 'apache.restart': { readonly pid: number };
  readonly 'nginx.reload': { readonly pid: number };
  /** As for Apache. */
  readonly 'nginx.restart': { readonly pid: number };
  /** What a crash in the middle of a copy may have left beside the folder. */
  readonly 'tls.tidy': { readonly domain: string; readonly fingerprint: string };
  /** `fingerprint`: of the certificate that is to be replaced; null: there is none. */
  readonly 'tls.renew': { readonly domain: string; readonly fingerprint: string | null; readonly client: string };
}

export interface WebQueries {
  readonly 'tls.facts': {
    readonly args: { readonly domain: string; readonly place: 'incoming' | 'current' };
    readonly answer: CertificateAnswer;
  };
  /** Names that have a folder of certificates. */
  readonly 'tls.domains': { readonly args: object; readonly answer: readonly string[] };
  /** By a handshake with the server on this node. */
  readonly 'tls.served': {
    readonly args: { readonly domain: string; readonly port: number };
    readonly answer: ServedCertificate | { readonly problem: string };
  };
  /** The client of the machine that knows that name. */
  readonly 'tls.client': {
    readonly args: { readonly domain: string };
    readonly answer: { readonly client: 'certbot' } | { readonly problem: string };
  };
  /** Only files of the account, bounded; no link is followed. */
  readonly 'site.scan': {
    readonly args: { readonly account: string; readonly uid: number; readonly docroot: string };
    readonly answer: SiteScan;
  };
  readonly 'nginx.state': {
    readonly args: object;
    readonly answer: {
      readonly isInstalled: boolean;
      /** Null: it does not run. */
      readonly pid: number | null;
      readonly workers: readonly number[];
      /** What speaks against the configuration on disk: `nginx -t`, a port or a name of somebody else; null: nothing. */
      readonly fault: string | null;
    };
  };
}
