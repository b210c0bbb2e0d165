import { Counter } from 'prom-client';
import type { MetricsRegistry } from '../exposition.ts';

/** How many audit records there were since the start. */
export interface AuditCounts {
  readonly made: number;
  /** Those of them that their destination did not take in time. */
  readonly lost: number;
}

/** Makes `postern_audit_records_total`, read at each scrape. */
export function createAuditMetrics(registry: MetricsRegistry, counts: () => AuditCounts): void {
  new Counter({
    name: 'postern_audit_records_total',
    help: 'Audit records made, and those of them that were lost because their destination took none.',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      const { made, lost } = counts();
      this.reset();
      this.inc({ outcome: 'made' }, made);
      this.inc({ outcome: 'lost' }, lost);
    },
  });
}
