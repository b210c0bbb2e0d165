import { appWith, operatorToken, viewerToken } from '../ports.ts';

const origin = 'http://localhost';

/** What a browser sends with a form of ours. */
export const ownForm = { Origin: origin, 'Content-Type': 'application/x-www-form-urlencoded' };

/** An app, and a browser at it that keeps its cookie. */
export function browse(...change: Parameters<typeof appWith>) {
  const fakes = appWith(...change);
  let cookie = '';
  const get = (path: string, headers: Record<string, string> = {}) =>
    fakes.app.request(path, { headers: { ...(cookie !== '' && { Cookie: cookie }), ...headers } });
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) => {
    const body = new URLSearchParams(fields).toString();
    const sent = { ...ownForm, ...(cookie !== '' && { Cookie: cookie }), 'Content-Length': String(body.length) };
    return fakes.app.request(path, { method: 'POST', body, headers: { ...sent, ...headers } });
  };
  const signIn = async (role: 'operator' | 'viewer' = 'operator') => {
    const answer = await post('/ui/sign-in', { token: role === 'operator' ? operatorToken : viewerToken });
    cookie = answer.headers.get('Set-Cookie')?.split(';')[0] ?? '';
    return answer;
  };
  return { ...fakes, get, post, signIn };
}
