export { enhanceBatch } from './enhance-batch.ts';
export { rollBack } from './roll-back.ts';
export { keepRetention } from './keep-retention.ts';
export { deliverWebhook } from './deliver-webhook.ts';
export { tellPhotos } from './tell-photos.ts';
