import { html } from 'hono/html';
import type { AdminApp } from '../admin-env.ts';
import { type DocumentedOperation, listOperations } from './operations.ts';
import { referenceStyle } from './reference-style.ts';

const stylePath = '/api/v1/reference.css';

type ApiDocument = ReturnType<AdminApp['getOpenAPI31Document']>;

/** Adds `/api/v1/openapi.json` and the same in words at `/api/v1/reference`; no token is needed for either. */
export function addReference(app: AdminApp, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'One of `admin.tokens`. Viewers read; changes need the role operator.',
  });
  let made: ApiDocument | undefined;
  // Made when first asked for: the resources come after this.
  const document = (): ApiDocument => {
    made ??= app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Postern admin API',
        version,
        description: 'Errors are problem details (RFC 9457). Times are ISO 8601 in UTC.',
      },
      servers: [{ url: '/' }],
      security: [{ token: [] }],
    });
    return made;
  };
  app.get('/api/v1/openapi.json', (c) => c.json(document()));
  app.get(stylePath, (c) => c.body(referenceStyle, 200, { 'Content-Type': 'text/css; charset=utf-8' }));
  app.get('/api/v1/reference', (c) => c.html(renderReference(document())));
}

function renderReference(document: ApiDocument) {
  const operations = listOperations(document);
  const tags = [...new Set(operations.map(({ tag }) => tag))];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${document.info.title}</title>
<link rel="stylesheet" href="${stylePath}">
</head>
<body>
<header>
<h1>${document.info.title}</h1>
<p>${document.info.description ?? ''} As a program reads it: <a href="/api/v1/openapi.json">openapi.json</a>.</p>
<nav aria-label="Resources">${tags.map((tag) => html`<a href="#${tag}">${tag}</a> `)}</nav>
</header>
<main>
${tags.map(
  (tag) => html`<section aria-labelledby="${tag}">
<h2 id="${tag}">${tag}</h2>
${operations.filter((operation) => operation.tag === tag).map(renderOperation)}
</section>`,
)}
</main>
</body>
</html>`;
}

function renderOperation({ method, path, summary, description, parameters, body, responses }: DocumentedOperation) {
  return html`<article>
<h3><code>${method} ${path}</code></h3>
<p>${summary}. ${description}</p>
${
  parameters.length === 0
    ? ''
    : html`<table>
<caption>Parameters</caption>
<thead><tr><th scope="col">name</th><th scope="col">in</th><th scope="col">what</th></tr></thead>
<tbody>${parameters.map(
        ({ name, where, text }) =>
          html`<tr><th scope="row"><code>${name}</code></th><td>${where}</td><td>${text}</td></tr>`,
      )}</tbody>
</table>`
}
${body === undefined ? '' : html`<details><summary>Body</summary><pre tabindex="0">${body}</pre></details>`}
${responses.map(({ status, text, schema }) =>
  schema === undefined
    ? html`<p><code>${status}</code> ${text}</p>`
    : html`<details><summary><code>${status}</code> ${text}</summary><pre tabindex="0">${schema}</pre></details>`,
)}
</article>`;
}
