/** Variables by name; a variable that is not set is absent or undefined. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A text with its variables filled in, or why that cannot be done. */
export type Interpolation =
  | {
      readonly kind: 'text';
      readonly text: string /** Whether a variable is named in it. */;
      readonly isExternal: boolean;
    }
  | { readonly kind: 'wrong'; readonly reason: string };

// In this order: the escape, a variable with its default, and an opening that fits neither.
const references = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;
// Behind the last brace that closes: to look for one from each opening would take the square of the text's length.
const openings = /\$\$\{|\$\{/g;

/** Fills in `${NAME}` and `${NAME:-default}` (used where NAME is unset or empty); `$${` stands for `${`. */
export function interpolate(text: string, environment: Environment): Interpolation {
  const reasons = new Set<string>();
  let isExternal = false;
  const fill = (reference: string, name?: unknown, fallback?: unknown): string => {
    if (reference === '$${') return '${';
    isExternal = true;
    if (typeof name !== 'string') {
      reasons.add(`"\${" opens a variable: write \${NAME} or \${NAME:-default}, or $\${ for the characters themselves`);
      return '';
    }
    const value = variable(name, environment);
    if (typeof fallback === 'string' && (value === undefined || value === '')) return fallback;
    if (value === undefined) reasons.add(`the environment variable ${name} is not set`);
    return value ?? '';
  };
  const end = text.lastIndexOf('}') + 1;
  // Without groups, the pattern's match is followed by its place, which is no name.
  const filled = text.slice(0, end).replace(references, fill) + text.slice(end).replace(openings, fill);
  if (reasons.size > 0) return { kind: 'wrong', reason: [...reasons].join('; ') };
  return { kind: 'text', text: filled, isExternal };
}

function variable(name: string, environment: Environment): string | undefined {
  try {
    // Own properties alone: `${constructor}` is no variable.
    return Object.hasOwn(environment, name) ? environment[name] : undefined;
  } catch {
    // Deno throws where a variable is not among the permitted ones.
    return undefined;
  }
}
