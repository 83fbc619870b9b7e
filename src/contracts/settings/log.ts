import { z } from 'zod';
import { settingOf } from './setting.ts';

const setting = settingOf('Log');

/** What operators see: log, metrics, traces. */
export const LOG_SETTINGS = {
  WORKER_METRICS_ADDRESS: setting(
    z.union([z.literal(''), z.string().regex(/^.+:\d{1,5}$/, 'must be ADDRESS:PORT')]),
    '',
    'Where a worker shows the metrics of the Temporal SDK to Prometheus, as in `127.0.0.1:9464`. Empty: nowhere. The API’s `/metrics` has what concerns photos.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    z.union([z.literal(''), z.url({ protocol: /^https?$/, error: 'must be an http or https address' })]),
    '',
    'Collector that traces are sent to by OTLP over HTTP, as in `http://127.0.0.1:4318`. Empty: none are made. The other `OTEL_` variables of the SDK count as well (headers, sampler, resource attributes).',
  ),
  LOG_LEVEL: setting(
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
    'How much is logged.',
  ),
};
