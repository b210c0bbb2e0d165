/** Who a client is by its certificate, which a listener's authorities vouch for. */
export interface ClientIdentity {
  /** The subject for people, such as `O=Corp, CN=scanner-3`. */
  readonly subject: string;
  /** Absent where the subject has none, or several. */
  readonly commonName?: string;
  /** SHA-256 of the certificate, 64 hexadecimal digits in lower case. */
  readonly fingerprint: string;
}

/** Which certificates a rule is about: those with a common name, or a single one. */
export type CertificateSelector =
  | { readonly kind: 'commonName'; readonly commonName: string }
  | { readonly kind: 'fingerprint'; readonly fingerprint: string };

/** The accounts that some certificates may use. */
export interface CertificateAccounts {
  readonly certificate: CertificateSelector;
  /** Account names in lower case, or `*@example.com` for every account of that domain. */
  readonly accounts: readonly string[];
}

/** What is asked about: an account, and the client's certificate where it has one. */
export interface AccountUse {
  /** Lower case; `user@domain` where there is a domain. */
  readonly account: string;
  readonly certificate?: ClientIdentity;
}

/**
 * Whether a client may use an account: without rules everybody may, else only certificates that a rule names, and only for
 * its accounts. What several rules say about one certificate adds up.
 */
export function isAccountPermitted(rules: readonly CertificateAccounts[] | undefined, use: AccountUse): boolean {
  if (rules === undefined) return true;
  const { certificate, account } = use;
  if (certificate === undefined) return false;
  return rules.some((rule) => selects(rule.certificate, certificate) && rule.accounts.some(matches(account)));
}

function selects(selector: CertificateSelector, certificate: ClientIdentity): boolean {
  switch (selector.kind) {
    case 'commonName':
      return selector.commonName === certificate.commonName;
    case 'fingerprint':
      return selector.fingerprint === certificate.fingerprint;
    default:
      return selector satisfies never;
  }
}

function matches(account: string): (pattern: string) => boolean {
  const domain = account.slice(account.lastIndexOf('@') + 1);
  const anyOfDomain = account.includes('@') ? `*@${domain}` : undefined;
  return (pattern) => pattern === account || pattern === anyOfDomain;
}
