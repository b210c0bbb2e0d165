/** What the words of an upstream's refusal ask for, beyond "wrong password"; closed set. */
export const refusalHints = [
  'app_password', // a password made for this one program
  'oauth_only', // no passwords at all
  'web_login', // a sign-in in the browser first
  'pop_disabled', // POP3 is turned off for the account
  'quota', // too much fetched in too short a time
  'maildrop_locked', // another program fetches the same mail
] as const;
export type RefusalHint = (typeof refusalHints)[number];

/** As providers word it; what could be part of many refusals is left out. */
const wordings: readonly (readonly [RegExp, RefusalHint])[] = [
  [/application[- ]specific password|\bapp(?:lication)?[- ]passwords?\b|\bsecure mail key\b/i, 'app_password'],
  [/basic authentication is disabled/i, 'oauth_only'],
  [/\bweb ?login required|log ?in (?:via|with) your web ?browser/i, 'web_login'],
  [/not enabled for POP|\bPOP3? (?:access )?(?:is )?(?:disabled|not enabled)/i, 'pop_disabled'],
  [/exceeded .{0,40}\b(?:bandwidth|command)\b/i, 'quota'],
  [/\block(?:ed)? (?:the )?maildrop|maildrop (?:is )?(?:already )?locked/i, 'maildrop_locked'],
];

/** Reads a refusal's text. What it returns can be kept where the text cannot: an upstream may repeat the password in it. */
export function hintOfRefusal(text: string): RefusalHint | undefined {
  return wordings.find(([wording]) => wording.test(text))?.[1];
}
