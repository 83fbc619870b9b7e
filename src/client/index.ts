/** A client of Darkroom's HTTP API over nothing but `fetch`: Node 20.19 and newer, and (but for folders and files) browsers. */
export { DarkroomClient, type BatchOrder, type NamedPhoto } from './darkroom-client.ts';
export { ApiError, type ClientOptions } from './calls.ts';
export type { BatchEvent } from './follow.ts';
export type { BatchAnswer, BatchControlled, BatchCreated, PhotoList, PhotosAdded } from '../contracts/http-batches.ts';
export type { EndEvent, PhotoEvent, ProgressEvent, SnapshotEvent } from '../contracts/http-events.ts';
export type { AddPhotosRequest, NewBatchRequest } from '../contracts/http-batch-requests.ts';
export type { Problem } from '../contracts/http.ts';
