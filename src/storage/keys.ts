import { dayOf, pageOf, PHOTOS_PER_PAGE } from '../contracts/ids.ts';

/**
 * Where everything of a batch lies in the store. Directories are bounded: batches by day, photos by manifest page.
 *
 *     batches/2026/11/22/{batchId}/header.json
 *                                  manifest/00000.json
 *                                  additions/{additionId}.json  photos left for an open batch
 *                                  places/{additionId}.json     where in the manifest they went
 *                                  uploads/00000/017
 *                                  results/00000/017.0.{nonce}.jpg
 *                                  outcomes/00000/017.0.json
 *                                  preserved/00000/017.{sha256} originals that were replaced in place
 *                                  compensations/00000/017.json how to undo what was done outside the store
 *                                  deliveries/00000/017.{sha256} what was about to be written outside the store
 *                                  webhooks/{messageId}.json, webhook-attempts/{messageId}/{when}.{attempt}.json
 *                                  webhook-told/00000.json      which photos were told of
 *                                  summary.json, rolled-back.json, seen-closed.json, expired.json
 *     rollbacks/2026/11/22/{operationId}/header.json, undone/{batchId}/00000.json, summary.json
 *     rollback-log/2026/11/22/{second}.{operationId}
 *     retention/{day}
 *     workers/{workerId}.json, autoscalers/{host}-{pid}.json, probes/{host}-{pid}-{time}.json
 */

export const BATCHES = 'batches';

export const batchPrefix = (batchId: string): string => [BATCHES, ...dayOf(batchId), batchId].join('/');

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
const pageName = (page: number): string => pad(page, 5);
const placeInPage = (index: number): string => pad(index % PHOTOS_PER_PAGE, 3);
const photoKey = (batchId: string, folder: string, index: number): string =>
  `${batchPrefix(batchId)}/${folder}/${pageName(pageOf(index))}/${placeInPage(index)}`;

/** Names a process in a key: hosts may be called what keys may not hold. */
export const processName = (host: string, pid: number): string => `${host.replaceAll(/[^A-Za-z0-9_-]/g, '-')}-${pid}`;

export const WORKERS = 'workers';
export const workerKey = (workerId: string): string => `${WORKERS}/${workerId}.json`;

export const AUTOSCALERS = 'autoscalers';
/** One for each house that scales: several may work on one store. */
export const autoscalerKey = (id: string): string => `${AUTOSCALERS}/${id}.json`;

/** Written, read and removed again to see that the store works. */
export const probeKey = (id: string): string => `probes/${id}.json`;

export const headerKey = (batchId: string): string => `${batchPrefix(batchId)}/header.json`;
export const summaryKey = (batchId: string): string => `${batchPrefix(batchId)}/summary.json`;
export const manifestKey = (batchId: string, page: number): string =>
  `${batchPrefix(batchId)}/manifest/${pageName(page)}.json`;
/** Photos left for an open batch until its workflow gives them their places. */
export const additionKey = (batchId: string, additionId: string): string =>
  `${batchPrefix(batchId)}/additions/${additionId}.json`;
/** Where in the manifest it has put them. */
export const placeKey = (batchId: string, additionId: string): string =>
  `${batchPrefix(batchId)}/places/${additionId}.json`;
export const uploadKey = (batchId: string, index: number): string => photoKey(batchId, 'uploads', index);
/** An upload onto an open batch comes before its index is known: it lies below the name of its addition. */
export const addedUploadsPrefix = (batchId: string, additionId: string): string =>
  `${batchPrefix(batchId)}/uploads/${additionId}`;

/** Results are named by round and attempt, so that a late attempt never touches the file of another. */
export const resultKey = (batchId: string, index: number, epoch: number, nonce: string, extension: string): string =>
  `${photoKey(batchId, 'results', index)}.${epoch}.${nonce}${extension}`;

/** Where to find every result file of one photo, whichever round and attempt made it. */
export function siblingResults(batchId: string, index: number): { prefix: string; includes(name: string): boolean } {
  const start = `${placeInPage(index)}.`;
  return {
    prefix: `${batchPrefix(batchId)}/results/${pageName(pageOf(index))}`,
    includes: (name) => name.startsWith(start),
  };
}

/** Named by its content, so that nothing else can ever lie there. */
export const preservedKey = (batchId: string, index: number, sha256: string): string =>
  `${photoKey(batchId, 'preserved', index)}.${sha256}`;
export const compensationKey = (batchId: string, index: number): string =>
  `${photoKey(batchId, 'compensations', index)}.json`;
/** Says in its name which content a delivery was about to write: a file with other content was changed by someone else. */
export const deliveryKey = (batchId: string, index: number, sha256: string): string =>
  `${photoKey(batchId, 'deliveries', index)}.${sha256}`;
export function deliveriesOf(
  batchId: string,
  index: number,
): { prefix: string; sha256(name: string): string | undefined } {
  const start = `${placeInPage(index)}.`;
  return {
    prefix: `${batchPrefix(batchId)}/deliveries/${pageName(pageOf(index))}`,
    sha256: (name) => (name.startsWith(start) ? name.slice(start.length) : undefined),
  };
}
export const webhooksPrefix = (batchId: string): string => `${batchPrefix(batchId)}/webhooks`;
export const webhookKey = (batchId: string, messageId: string): string =>
  `${webhooksPrefix(batchId)}/${messageId}.json`;
export const webhookAttemptsPrefix = (batchId: string, messageId: string): string =>
  `${batchPrefix(batchId)}/webhook-attempts/${messageId}`;
/** Named by the moment, so that a list of them is in order. */
export const webhookAttemptKey = (batchId: string, messageId: string, at: number, attempt: number): string =>
  `${webhookAttemptsPrefix(batchId, messageId)}/${pad(at, 15)}.${attempt}.json`;

export const webhookToldKey = (batchId: string, page: number): string =>
  `${batchPrefix(batchId)}/webhook-told/${pageName(page)}.json`;

export const rolledBackKey = (batchId: string): string => `${batchPrefix(batchId)}/rolled-back.json`;

/** When the retention clock first found the batch closed without a word of its end. */
export const seenClosedKey = (batchId: string): string => `${batchPrefix(batchId)}/seen-closed.json`;
export const expiredKey = (batchId: string): string => `${batchPrefix(batchId)}/expired.json`;
export const uploadsPrefix = (batchId: string): string => `${batchPrefix(batchId)}/uploads`;
export const resultsPrefix = (batchId: string): string => `${batchPrefix(batchId)}/results`;
/** Says that every batch of a day has expired, so that the retention clock need not look there again. */
export const expiredDayKey = (day: string): string => `retention/${day}`;

export const ROLLBACKS = 'rollbacks';
export const ROLLBACK_LOG = 'rollback-log';
/** `20261122-125304.r-…`: the moment a rollback was asked for, to the second, and its ID. */
export function rollbackLogKey(operationId: string, createdAt: number): string {
  const stamp = new Date(createdAt).toISOString().replaceAll(/[-:]/g, '');
  const day = [stamp.slice(0, 4), stamp.slice(4, 6), stamp.slice(6, 8)];
  return [ROLLBACK_LOG, ...day, `${stamp.slice(0, 8)}-${stamp.slice(9, 15)}.${operationId}`].join('/');
}
export const rollbackPrefix = (operationId: string): string =>
  [ROLLBACKS, ...dayOf(operationId), operationId].join('/');
export const rollbackHeaderKey = (operationId: string): string => `${rollbackPrefix(operationId)}/header.json`;
export const rollbackSummaryKey = (operationId: string): string => `${rollbackPrefix(operationId)}/summary.json`;
export const undonePageKey = (operationId: string, batchId: string, page: number): string =>
  `${rollbackPrefix(operationId)}/undone/${batchId}/${pageName(page)}.json`;

export const outcomesPrefix = (batchId: string, page: number): string =>
  `${batchPrefix(batchId)}/outcomes/${pageName(page)}`;

const TOMBSTONE = 'removed';
const OUTCOME_NAME = /^(\d{3})\.(\d+|removed)\.json$/;

export const outcomeKey = (batchId: string, index: number, epoch: number | typeof TOMBSTONE): string =>
  `${photoKey(batchId, 'outcomes', index)}.${epoch}.json`;

/** Reads a name that {@link outcomeKey} made; a tombstone ranks above every round. */
export function parseOutcomeName(name: string, page: number): { index: number; rank: number } | undefined {
  const match = OUTCOME_NAME.exec(name);
  if (!match?.[1] || !match[2]) return undefined;
  return {
    index: page * PHOTOS_PER_PAGE + Number(match[1]),
    rank: match[2] === TOMBSTONE ? Number.POSITIVE_INFINITY : Number(match[2]),
  };
}
