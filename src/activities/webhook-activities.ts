import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { Webhook } from 'standardwebhooks';
import type { Config } from '../contracts/config.ts';
import { asDarkroomError, DarkroomError } from '../contracts/errors.ts';
import type { WebhookActivities, WebhookMessage } from '../contracts/webhooks.ts';
import type { OutgoingGuard } from '../outgoing/guard.ts';
import { sendRequest } from '../outgoing/request.ts';
import type { Journal } from '../storage/journal.ts';
import type { WebhookLog } from '../storage/webhook-log.ts';
import { withTypedFailures } from './failures.ts';

type WebhookSettings = Pick<Config, 'WEBHOOK_SECRETS' | 'WEBHOOK_TIMEOUT_MS'>;

interface WebhookDependencies {
  readonly journal: Pick<Journal, 'header'>;
  readonly webhooks: WebhookLog;
  readonly guard: OutgoingGuard;
  readonly config: WebhookSettings;
  readonly now: () => number;
}

/** Activities that tell receivers: task queue `webhooks`. */
export function createWebhookActivities(deps: WebhookDependencies): WebhookActivities {
  return {
    sendWebhook: ({ batchId, messageId }) =>
      withTypedFailures(async () => {
        const [header, message] = await Promise.all([
          deps.journal.header(batchId),
          deps.webhooks.message(batchId, messageId),
        ]);
        if (!header?.webhook || !message) throw new DarkroomError('not_found', 'There is no such message any more.');
        const { attempt } = Context.current().info;
        const at = deps.now();
        const answer = await send(deps, header.webhook, message);
        const delivered = answer.status !== null && answer.status >= 200 && answer.status < 300;
        const last = attempt >= message.attempts || isFinal(answer);
        await deps.webhooks.note(batchId, messageId, {
          at,
          attempt,
          status: answer.status,
          outcome: delivered ? 'delivered' : last ? 'given_up' : 'retrying',
          error: delivered ? null : answer.error,
          ms: deps.now() - at,
        });
        if (!delivered) throw ApplicationFailure.create({ message: answer.error, nonRetryable: last });
      }),
  };
}

interface Answer {
  readonly status: number | null;
  readonly error: string;
  readonly refused?: boolean;
}

/** The answer's body is of no interest, however long: the connection is closed behind its headers. */
async function send(
  { guard, config, now }: WebhookDependencies,
  { url, secret }: { url: string; secret?: string | undefined },
  { messageId, body }: WebhookMessage,
): Promise<Answer> {
  const at = new Date(now());
  const secrets = secret === undefined ? config.WEBHOOK_SECRETS : [secret];
  try {
    const answer = await sendRequest(guard, {
      url,
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'webhook-id': messageId,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': secrets.map((key) => new Webhook(key).sign(messageId, at, body)).join(' '),
      },
      body,
      redirects: 0,
      timeoutMs: config.WEBHOOK_TIMEOUT_MS,
      signal: Context.current().cancellationSignal,
    });
    answer.close();
    return { status: answer.status, error: `The receiver answered ${answer.status}.` };
  } catch (error) {
    const { code, message } = asDarkroomError(error);
    return { status: null, error: message, refused: code === 'url_not_allowed' };
  }
}

const GONE = 410;

/** A receiver that says it is gone, or may not be asked any more, is not asked again. */
const isFinal = ({ status, refused }: Answer): boolean => status === GONE || refused === true;
