import { html, raw } from 'hono/html';
import type { OpenApiDocument, OperationObject } from './document.ts';

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
  summary { cursor: pointer; padding: .3rem 0; } code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
  pre { overflow: auto; padding: .8rem; border: 1px solid #8886; border-radius: .3rem; }
  .method { display: inline-block; width: 4.5rem; font-weight: 600; } td { padding: .1rem 1rem .1rem 0; vertical-align: top; }
`;

/** The document as a page that needs no script and no other host. */
export function documentPage(document: OpenApiDocument, nonce: string) {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${document.info.title} API</title>
        <style nonce="${nonce}">
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <h1>${document.info.title} API</h1>
        <p>${document.info.description}</p>
        <p>
          For machines: <a href="/v1/openapi.json">openapi.json</a>; sockets and NATS:
          <a href="/v1/asyncapi.json">asyncapi.json</a>
        </p>
        ${tags.map(
          (tag) =>
            html`<h2>${tag}</h2>
              ${operations.filter(({ operation }) => operation.tags.includes(tag)).map(section)}`,
        )}
        <h2>Schemas</h2>
        ${Object.entries(document.components.schemas).map(
          ([name, schema]) =>
            html`<details id="${name}">
              <summary><code>${name}</code></summary>
              <pre>${JSON.stringify(schema, null, 2)}</pre>
            </details>`,
        )}
      </body>
    </html>`;
}

function section({ path, method, operation }: { path: string; method: string; operation: OperationObject }) {
  const body = operation.requestBody?.content['application/json']?.schema;
  return html`<details id="${operation.operationId}">
    <summary>
      <code><span class="method">${method.toUpperCase()}</span>${path}</code> ${operation.summary}
    </summary>
    <p><code>${operation.operationId}</code> ${operation.description ?? ''}</p>
    <table>
      ${operation.parameters.map(
        (each) =>
          html`<tr>
            <td><code>${each.name}</code></td>
            <td>${each.in}</td>
            <td>${each.description ?? ''}</td>
          </tr>`,
      )}
    </table>
    ${
      body === undefined
        ? ''
        : html`<p>Body</p>
            <pre>${JSON.stringify(body, null, 2)}</pre>`
    }
    <p>Answers</p>
    <table>
      ${Object.entries(operation.responses).map(
        ([status, each]) =>
          html`<tr>
            <td><code>${status}</code></td>
            <td>${each.description}</td>
            <td>${link(each.content)}</td>
          </tr>`,
      )}
    </table>
  </details>`;
}

/** A schema of the components by its name; a problem is one with the codes that it may have there. */
function nameIn({ $ref, allOf }: { $ref?: string; allOf?: { $ref?: string }[] }): string | undefined {
  return ($ref ?? allOf?.[0]?.$ref)?.split('/').at(-1);
}

function link(content: Record<string, { schema: object }> | undefined) {
  const target = Object.values(content ?? {}).map((each) => nameIn(each.schema))[0];
  return target === undefined ? '' : html`<a href="#${target}">${target}</a>`;
}
