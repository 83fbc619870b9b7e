import { flag, settingOf, whole } from './setting.ts';

const setting = settingOf('Scaling');

/** When a machine starts and ends workers of its own accord. */
export const SCALING_SETTINGS = {
  AUTOSCALE: setting(
    flag,
    'false',
    'Start and end worker processes of this machine as the load rises and falls (`darkroom start`). Worth it with several devices, or one that a single engine does not fill.',
  ),
  AUTOSCALE_MIN_WORKERS: setting(
    whole(1, 256),
    '1',
    'Workers there are at least (the seed’s `min_workers`); without AUTOSCALE, as many as there are.',
  ),
  AUTOSCALE_MAX_WORKERS: setting(
    whole(1, 256),
    '8',
    'Workers there are at most (the seed’s `max_workers`). On a CPU never more than cores, which they share.',
  ),
  AUTOSCALE_QUEUE_PER_WORKER: setting(
    whole(0, 100_000),
    '2',
    'More waiting photos than this for each worker call for another.',
  ),
  AUTOSCALE_BUSY_HIGH_PERCENT: setting(
    whole(1, 100),
    '80',
    'Devices busier than this, with photos waiting, call for another worker.',
  ),
  AUTOSCALE_BUSY_LOW_PERCENT: setting(
    whole(0, 99),
    '30',
    'Devices less busy than this, with nothing waiting, let one go.',
  ),
  AUTOSCALE_SLOW_MS: setting(
    whole(1, 86_400_000),
    '10000',
    'Photos that take longer than this on average, with others waiting, call for another worker.',
  ),
  AUTOSCALE_COOLDOWN_MS: setting(
    whole(0, 86_400_000),
    '60000',
    'After a change the number of workers stays for so long.',
  ),
  AUTOSCALE_INTERVAL_MS: setting(
    whole(100, 3_600_000),
    '5000',
    'How often the load is looked at; three looks in a row must agree.',
  ),
};
