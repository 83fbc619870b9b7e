import { createHash } from 'node:crypto';
import { ERRORS } from '../../contracts/errors.ts';
import type { Route } from '../route.ts';

/** `/docs`: one page without scripts that lists routes, settings and errors, made from the same tables as they are. */

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
code { font: 0.9em ui-monospace, monospace; }
section { border-top: 1px solid #8886; padding: 0.6rem 0; }
h3 { margin: 0; font-size: 1rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: 0.3rem 0.8rem 0.3rem 0; border-top: 1px solid #8883; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; }
`;

/** Admits the style of this page, and no other inline style, in the Content-Security-Policy. */
export const DOCS_STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

export const docsPage = (routes: readonly Route[], version: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Darkroom API ${escape(version)}</title><style>${STYLE}</style></head>
<body>
<h1>Darkroom API</h1>
<p>Version ${escape(version)}. The machine-readable description is <a href="/openapi.json">openapi.json</a>; a first photo:</p>
<pre><code>curl -F file=@photo.jpg http://localhost:8000/api/v1/enhance</code></pre>
${[...new Set(routes.map(({ tag }) => tag))].map((tag) => tagSection(tag, routes)).join('\n')}
<h2>Errors</h2>
<p>Errors are <code>application/problem+json</code> (RFC 9457); <code>detail</code> is a sentence for people, <code>code</code> one of these.</p>
<table><tr><th>Code</th><th>Status</th><th>Meaning</th><th>What to do</th></tr>
${Object.entries(ERRORS)
  .map(
    ([code, { status, title, hint }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${escape(title)}</td><td>${escape(hint)}</td></tr>`,
  )
  .join('\n')}
</table>
</body>
</html>
`;

const tagSection = (tag: string, routes: readonly Route[]): string =>
  `<h2>${escape(tag)}</h2>\n${routes
    .filter((route) => route.tag === tag)
    .map(routeSection)
    .join('\n')}`;

const routeSection = ({ method, path, summary, form, body, problems }: Route): string => `<section>
<h3><span class="method">${method.toUpperCase()}</span> <code>${escape(path)}</code></h3>
<p>${escape(summary)}.${form ? ` Multipart form, ${form.many ? 'photos' : 'photo'} in <code>${form.field}</code>.` : ''}${body ? ' JSON body.' : ''}</p>
${problems.length > 0 ? `<p>Errors: ${problems.map((code) => `<a href="#${code}"><code>${code}</code></a>`).join(', ')}</p>` : ''}
</section>`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
