import { describe, expect, it } from 'vitest';
import { appWith } from './ports.ts';

const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const text = 'text/plain; version=0.0.4; charset=utf-8';

describe('/metrics', () => {
  it.each([
    [
      'as Prometheus asks',
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      openMetrics,
    ],
    ['as an old one asks', 'text/plain;version=0.0.4;q=1,*/*;q=0.1', text],
    ['to those who rather have text', 'application/openmetrics-text;q=0.3,text/plain;q=0.9', text],
    ['to curl', '*/*', text],
    ['to a browser', 'text/html,application/xhtml+xml', text],
    ['to nonsense', ';;,=q', text],
  ])('answers %s', async (_, accept, contentType) => {
    const response = await appWith().app.request('/metrics', { headers: { Accept: accept } });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe(contentType);
    expect(response.headers.get('Vary')).toBe('Accept');
    expect((await response.text()).endsWith('# EOF\n')).toBe(contentType === openMetrics);
  });
});
