/** What programs that talk to Darkroom through Temporal need: names, arguments and answers. */
export * from './contracts/workflow-api.ts';
export type { BatchProgress } from './contracts/progress.ts';
export { SEARCH_ATTRIBUTE_KEYS } from './contracts/search-attributes.ts';
export { isBatchId, parsePhotoId, photoId } from './contracts/ids.ts';
export { ERRORS, type ErrorCode } from './contracts/errors.ts';
