/** Where the pages begin. */
export const pagesPath = '/ui';
/** Where to sign in. */
export const signInPath = '/ui/sign-in';
/** Where to sign out. */
export const signOutPath = '/ui/sign-out';
/** Below it, one level that names the version, are styles and scripts. */
export const assetsPath = '/ui/assets/';

/** A path with its query; what is undefined or empty is left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

/** The page that tells of an account. */
export function accountPath(account: string): string {
  return withQuery('/ui/accounts', { account });
}
