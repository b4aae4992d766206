/**
 * The figures in Prometheus' text format, under the names that ZooKeeper's PrometheusMetricsProvider gives them.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import { percentile } from '../metrics.js';
import type { Summary } from '../metrics.js';
import { metricRows } from '../metricRows.js';
import type { MetricRow } from '../metricRows.js';
import type { ServerStatus } from '../status.js';

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/** @param withProcess figures of the process too, under the names that clients of Prometheus use everywhere */
export const prometheusText = (s: ServerStatus, withProcess: boolean): string =>
  [...metricRows(s).map(textOf), ...(withProcess ? processText() : [])].join('');

const head = (name: string, type: 'gauge' | 'counter' | 'summary'): string =>
  `# HELP ${name} ${name}\n# TYPE ${name} ${type}\n`;

const textOf = (row: MetricRow): string => {
  switch (row.type) {
    case 'gauge':
    case 'counter':
      return `${head(row.name, row.type)}${row.name} ${row.value}\n`;
    case 'summary':
      return head(row.name, 'summary') + summaryText(row.name, '', row.summary);
    case 'keyed summary':
      return head(row.name, 'summary') + [...row.of].map(([key, s]) => summaryText(row.name, label(key), s)).join('');
    case 'keyed gauge':
    case 'keyed counter':
      return (
        head(row.name, row.type === 'keyed gauge' ? 'gauge' : 'counter') +
        [...row.of].map(([key, value]) => `${row.name}{${label(key)}} ${value}\n`).join('')
      );
  }
};

const label = (key: string): string =>
  `key="${key.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

const quantiles = [0.5, 0.9, 0.99] as const;

const summaryText = (name: string, labels: string, s: Summary): string => {
  const comma = labels === '' ? '' : ',';
  const braces = labels === '' ? '' : `{${labels}}`;
  const shares = s.recent === null ? [] : quantiles;
  return (
    shares.map((q) => `${name}{${labels}${comma}quantile="${q}"} ${percentile(s, q) ?? 'NaN'}\n`).join('') +
    `${name}_count${braces} ${s.count}\n${name}_sum${braces} ${s.sum}\n`
  );
};

const processText = (): readonly string[] => {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const gauge = (name: string, value: number): string => `${head(name, 'gauge')}${name} ${value}\n`;
  return [
    `${head('process_cpu_seconds_total', 'counter')}process_cpu_seconds_total ${(user + system) / 1e6}\n`,
    gauge('process_start_time_seconds', Math.floor(Date.now() / 1000 - process.uptime())),
    gauge('process_resident_memory_bytes', rss),
    gauge('nodejs_heap_size_total_bytes', heapTotal),
    gauge('nodejs_heap_size_used_bytes', heapUsed),
    gauge('nodejs_external_memory_bytes', external),
  ];
};
