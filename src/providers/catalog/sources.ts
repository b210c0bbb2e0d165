/** Thunderbird's database of mail settings, by the name of its file. */
export function ispdb(name: string): string {
  return `thunderbird/autoconfig@c6ad796 (2026-03-12): ispdb/${name}.xml`;
}

/** Thunderbird's list of OAuth providers. */
export const thunderbirdOAuth = 'thunderbird/thunderbird-desktop: mailnews/base/src/OAuth2Providers.sys.mjs';

/** The sample configuration of email-oauth2-proxy. */
export const emailOAuthProxy = 'simonrob/email-oauth2-proxy@5682d75 (2026-04-21): emailproxy.config';

/** Another project's record of logins to real accounts. */
export const realAccounts = 'SuperMonster003/AutoJs6-Plugin-Angus-Mail: provider matrix, real accounts, 2026-09-19..21';

/** Microsoft's own description of OAuth for IMAP, POP and SMTP. */
export const exchangeDocs =
  'MicrosoftDocs/office-developer-exchange-docs@5a8808d7: docs/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth.md';
