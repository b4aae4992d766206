/** The figures one a line, as `mntr` and the admin server's `monitor` show them: ZooKeeper's default metrics provider. */
import type { MetricRow } from './metricRows.js';
import { metricRows } from './metricRows.js';
import { average, percentile } from './metrics.js';
import type { Summary } from './metrics.js';
import type { ServerStatus } from './status.js';

/** A number that Java would print as a double. */
export type Figure = number | { readonly double: number } | string;

/** Keys without `zk_`, and their values. */
export const monitorFigures = (s: ServerStatus): readonly (readonly [key: string, value: Figure])[] => [
  ['version', `${s.version}, built on ${s.builtOn}`],
  ['server_state', s.mode],
  ...(s.peerState === null ? [] : [['peer_state', s.peerState] as const]),
  ...metricRows(s).flatMap(figuresOf),
];

const figuresOf = (row: MetricRow): readonly (readonly [string, Figure])[] => {
  switch (row.type) {
    case 'gauge':
      return [[row.name, row.isDouble === true ? { double: row.value } : row.value]];
    case 'counter':
      return [[row.name, row.value]];
    case 'summary':
      return summaryFigures(row.name, row.summary);
    case 'keyed summary':
      return [...row.of].flatMap(([key, summary]) => summaryFigures(`${key}_${row.name}`, summary));
    case 'keyed gauge':
    case 'keyed counter':
      return [...row.of].map(([key, value]) => [`${key}_${row.name}`, value] as const);
  }
};

const summaryFigures = (name: string, s: Summary): readonly (readonly [string, Figure])[] => [
  [`avg_${name}`, { double: average(s) }],
  [`min_${name}`, whole(s.min)],
  [`max_${name}`, whole(s.max)],
  [`cnt_${name}`, s.count],
  [`sum_${name}`, whole(s.sum)],
  ...(s.recent === null
    ? []
    : ([
        [`p50_${name}`, percentile(s, 0.5) ?? 0],
        [`p95_${name}`, percentile(s, 0.95) ?? 0],
        [`p99_${name}`, percentile(s, 0.99) ?? 0],
        [`p999_${name}`, percentile(s, 0.999) ?? 0],
      ] as const)),
];

const whole = (n: number): number => Math.round(n);

/** Java prints a double that is whole as `5.0`; parsers made for it may rely on the point. */
export const formatDouble = (n: number): string => (Number.isInteger(n) ? `${n}.0` : String(n));

export const formatFigure = (f: Figure): string => (typeof f === 'object' ? formatDouble(f.double) : String(f));
