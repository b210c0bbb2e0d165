import type { Hook, z } from '@hono/zod-openapi';
import type { AdminEnv } from './admin-env.ts';
import { problem } from './problem.ts';

type Issue = z.core.$ZodIssue;

/** Says what is wrong with the parameters, the headers or the body of a request. */
export const refuseInvalid: Hook<unknown, AdminEnv, string, Response | undefined> = (result, c) => {
  if (result.success) return undefined;
  return problem(c, { status: 400, detail: result.error.issues.map(describeIssue).join('; ') });
};

function describeIssue(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') {
    return `${issue.keys.map(quote).join(', ')} ${issue.keys.length === 1 ? 'is' : 'are'} not known here`;
  }
  const subject = issue.path.length === 0 ? 'the body' : quote(issue.path.join('.'));
  return `${subject} ${describeFault(issue)}`;
}

/** The library's own words where a schema has none are for programmers. */
function describeFault(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'invalid_type':
      return `must be there, of the type ${issue.expected}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${issue.origin === 'string' ? ' characters long' : ''}`;
    default:
      return issue.message;
  }
}

/** What was sent may be of any length. */
function quote(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
