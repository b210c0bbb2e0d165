import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

/** Where the PrometheusRule stands. */
export const prometheusRuleFile = fileURLToPath(
  new URL('components/prometheus-operator/prometheus-rule.yaml', import.meta.url),
);

const ruleFiles = ['recording-rules.yml', 'alert-rules.yml'].map(
  (name) => new URL(`../../dashboards/prometheus/${name}`, import.meta.url),
);

/** A PrometheusRule with all groups of the rule files in dashboards/. */
export function prometheusRuleText(): string {
  const groups: unknown[] = ruleFiles.flatMap((file) => parse(readFileSync(file, 'utf8')).groups);
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'postern' },
    spec: { groups },
  };
  return `# Made of dashboards/prometheus by deploy/kubernetes/generate.ts; change the rules there.\n${stringify(rule, { lineWidth: 0 })}`;
}
