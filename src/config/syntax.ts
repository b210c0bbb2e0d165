import { type Document, type ErrorCode, LineCounter, parseDocument, type YAMLError } from 'yaml';
import type { ConfigProblem } from './problems.ts';

/** A YAML document without syntax errors, and where its nodes stand. */
export type Syntax =
  | { readonly ok: true; readonly document: Document.Parsed; readonly lines: LineCounter }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

// The parser's own texts quote the file, which may hold a secret right there.
const explanations: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias (*name) takes no tag and no anchor',
  BAD_ALIAS: 'an anchor or alias has no proper name: put a value that starts with & or * in quotes',
  BAD_COLLECTION_TYPE: 'a tag does not fit its value',
  BAD_DIRECTIVE: 'a line that starts with % is a directive, and this one is not known',
  BAD_DQ_ESCAPE: 'a backslash starts an escape in double quotes, and this one is not known: use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_PROP_ORDER: 'a tag or an anchor stands in the wrong place',
  BAD_SCALAR_START: 'a value cannot start with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping cannot start here: put a value with ": " in it in quotes, or check the indentation',
  BLOCK_IN_FLOW: 'between brackets, lists and mappings are written with brackets too',
  DUPLICATE_KEY: 'this key stands in its mapping already',
  IMPOSSIBLE: 'this is not YAML',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'a closing quote or bracket, a comma, a colon or a space is missing',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines: check the indentation',
  MULTIPLE_ANCHORS: 'a value has several anchors',
  MULTIPLE_DOCS: 'a second document starts here, but a configuration is one',
  MULTIPLE_TAGS: 'a value has several tags',
  NON_STRING_KEY: 'a key is not a text',
  RESOURCE_EXHAUSTION: 'lists and mappings are nested too deeply',
  TAB_AS_INDENT: 'a tab indents this line: use spaces',
  TAG_RESOLVE_FAILED: 'tags (!name) are not used here: put a value that starts with ! in quotes',
  UNEXPECTED_TOKEN: 'something stands here that does not belong: check quotes, brackets and indentation',
};

// One slip brings many errors after it; the first ones tell where it is.
const maxShownErrors = 5;

/** Parses one YAML document; every scalar in it is a text. */
export function parseSyntax(text: string): Syntax {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // What a text means, a number or a word, is for the schema to say: then `port: ${PORT}` is like `port: 995`,
    // `off` is a word, and a token of digits keeps them all.
    schema: 'failsafe',
    stringKeys: true,
  });
  const errors = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0]);
  if (errors.length === 0) return { ok: true, document, lines };
  const problems = new Map<number, ConfigProblem>();
  for (const error of errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    if (!problems.has(line)) problems.set(line, { path: '', line, column: col, message: explain(error, text) });
  }
  return { ok: false, problems: [...problems.values()].slice(0, maxShownErrors) };
}

function explain(error: YAMLError, text: string): string {
  const message = explanations[error.code];
  const isFlowTrouble = error.code === 'MISSING_CHAR' || error.code === 'UNEXPECTED_TOKEN';
  // The error stands at the brace or just behind it.
  const before = text.slice(Math.max(0, error.pos[0] - 2), error.pos[0] + 1);
  return isFlowTrouble && before.includes('${') ? `between brackets, "\${NAME}" stands in quotes` : message;
}
