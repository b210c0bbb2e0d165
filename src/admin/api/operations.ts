import { z } from 'zod';

/** An operation of the API, ready to be shown. */
export interface DocumentedOperation {
  readonly tag: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly where: string; readonly text: string }[];
  /** The schema of the body, as JSON. */
  readonly body?: string;
  readonly responses: readonly { readonly status: string; readonly text: string; readonly schema?: string }[];
}

const contentSchema = z.record(z.string(), z.object({ schema: z.unknown() }));

/** As much of OpenAPI 3.1 as the reference shows. */
const operationSchema = z.object({
  tags: z.array(z.string()).default([]),
  summary: z.string().default(''),
  description: z.string().default(''),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        description: z.string().optional(),
        schema: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .default([]),
  requestBody: z.object({ content: contentSchema }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: contentSchema.optional() })),
});

const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()).default({}) }),
});

type Components = Readonly<Record<string, unknown>>;

/** The operations of an OpenAPI document, in its order. */
export function listOperations(document: unknown): readonly DocumentedOperation[] {
  const { paths, components } = documentSchema.parse(document);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      describe({ path, method, operation, components: components.schemas }),
    ),
  );
}

interface Found {
  readonly path: string;
  readonly method: string;
  readonly operation: z.output<typeof operationSchema>;
  readonly components: Components;
}

function describe({ path, method, operation, components }: Found): DocumentedOperation {
  const { tags, summary, description, parameters, requestBody, responses } = operation;
  const body = requestBody && showContent(requestBody.content, components);
  return {
    tag: tags[0] ?? 'Other',
    method: method.toUpperCase(),
    path,
    summary,
    description,
    parameters: parameters.map(({ name, in: where, description: words, schema }) => ({
      name,
      where,
      text: [words, showSchema(schema)].filter(Boolean).join(' '),
    })),
    ...(body !== undefined && { body }),
    responses: Object.entries(responses).map(([status, response]) => {
      const schema = response.content && showContent(response.content, components);
      return { status, text: response.description, ...(schema !== undefined && { schema }) };
    }),
  };
}

/** Problems look all the same: they are told of once. */
function showContent(content: z.output<typeof contentSchema>, components: Components): string | undefined {
  const shown = Object.entries(content).filter(([type]) => type !== 'application/problem+json');
  if (shown.length === 0) return undefined;
  return shown
    .map(([type, { schema }]) => `${type}\n${JSON.stringify(resolve(schema, components), undefined, 2)}`)
    .join('\n');
}

/** Puts referenced schemas in their places; none of them holds itself. */
function resolve(schema: unknown, components: Components): unknown {
  if (Array.isArray(schema)) return schema.map((each) => resolve(each, components));
  if (typeof schema !== 'object' || schema === null) return schema;
  const reference = '$ref' in schema && String(schema.$ref).replace('#/components/schemas/', '');
  if (typeof reference === 'string') return resolve(components[reference], components);
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolve(value, components)]));
}

/** What a parameter may be, in few words. */
function showSchema({
  type,
  enum: words,
  minimum,
  maximum,
  example,
  default: byDefault,
}: Readonly<Record<string, unknown>>): string {
  const parts = [
    Array.isArray(words) ? words.join(' | ') : String(type ?? ''),
    minimum === undefined ? '' : `from ${minimum} to ${maximum}`,
    byDefault === undefined ? '' : `default ${byDefault}`,
    example === undefined ? '' : `such as ${example}`,
  ];
  return `(${parts.filter((part) => part !== '').join(', ')})`;
}
