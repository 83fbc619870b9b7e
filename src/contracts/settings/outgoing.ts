import { z } from 'zod';
import { webhookSecret } from '../webhooks.ts';
import { list, settingOf, whole } from './setting.ts';

const setting = settingOf('Outgoing');

/** Connections that Darkroom opens: photos by their URL, and webhooks. */
export const OUTGOING_SETTINGS = {
  OUTGOING_HOSTS: setting(
    list,
    '',
    'Comma-separated hosts that photos are fetched from and webhooks sent to; `*.example.org` stands for those below it. Empty: every public host. `none`: no host.',
  ),
  OUTGOING_RANGES: setting(
    list.pipe(z.array(z.union([z.cidrv4(), z.cidrv6()], { error: 'must be address ranges such as 10.1.0.0/16' }))),
    '',
    'Comma-separated address ranges that may be reached so besides the public ones, as in `10.1.0.0/16,fd00::/8`.',
  ),
  OUTGOING_TIMEOUT_MS: setting(
    whole(100, 3_600_000),
    '120000',
    'How long fetching one photo by its URL, redirects included, or from a bucket may take.',
  ),
  WEBHOOK_SECRETS: setting(
    list.pipe(z.array(webhookSecret)),
    '',
    'Comma-separated secrets (`whsec_…`) that sign the webhooks of batches which bring none; each signs, so that one can be replaced.',
    true,
  ),
  WEBHOOK_ATTEMPTS: setting(
    whole(1, 20),
    '8',
    'How often a webhook is tried before it is given up; it can be sent again by hand.',
  ),
  WEBHOOK_RETRY_MS: setting(
    whole(10, 86_400_000),
    '5000',
    'Pause after the first attempt of a webhook; each is four times the one before, six hours at most.',
  ),
  WEBHOOK_TIMEOUT_MS: setting(whole(100, 60_000), '15000', 'How long a receiver may take to answer a webhook.'),
};
