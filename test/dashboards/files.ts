import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** A rule of Prometheus, as its file has it. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The path of a file below dashboards/. */
export function dashboardPath(path: string): string {
  return fileURLToPath(new URL(`../../dashboards/${path}`, import.meta.url));
}

/** The text of a file below dashboards/. */
export function dashboardText(path: string): string {
  return readFileSync(dashboardPath(path), 'utf8');
}

/** The files that hold rules, recording rules first. */
export const ruleFiles = ['recording-rules.yml', 'alert-rules.yml'].map((name) => dashboardPath(`prometheus/${name}`));

interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** The groups of both files, in their order. */
export const ruleGroups = ruleFiles.flatMap((file): readonly RuleGroup[] => parse(readFileSync(file, 'utf8')).groups);

/** All rules of both files. */
export const rules = ruleGroups.flatMap((group) => group.rules);
