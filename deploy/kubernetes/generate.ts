/** Writes the PrometheusRule made of the rules in dashboards/: `npm run dashboards` runs it. */
import { writeFileSync } from 'node:fs';
import { prometheusRuleFile, prometheusRuleText } from './prometheus-rule.ts';

writeFileSync(prometheusRuleFile, prometheusRuleText());
