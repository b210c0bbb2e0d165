import type { PageContext } from './page.ts';

/** What a form of a page sent; of anything else, nothing. */
export async function readForm(c: PageContext): Promise<URLSearchParams> {
  const [type = ''] = (c.req.header('Content-Type') ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded') return new URLSearchParams();
  return new URLSearchParams(await c.req.text());
}
