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

/** Fills in `${NAME}` and `${NAME:-default}` (used where NAME is unset or empty); `$${` stands for `${`. */
export function interpolate(text: string, environment: Environment): Interpolation {
  const reasons: string[] = [];
  let isExternal = false;
  const filled = text.replace(references, (reference, name: string | undefined, fallback: string | undefined) => {
    if (reference === '$${') return '${';
    isExternal = true;
    if (name === undefined) {
      reasons.push(
        `"\${" opens a variable: write \${NAME} or \${NAME:-default}, or $\${ for the characters themselves`,
      );
      return '';
    }
    const value = variable(name, environment);
    if (fallback !== undefined && (value === undefined || value === '')) return fallback;
    if (value === undefined) reasons.push(`the environment variable ${name} is not set`);
    return value ?? '';
  });
  if (reasons.length > 0) return { kind: 'wrong', reason: reasons.join('; ') };
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
