import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Search attributes of every workflow of the house, for lists in Temporal's Web UI and CLI. */
export const SEARCH_ATTRIBUTE_KEYS = {
  batchId: defineSearchAttributeKey('BatchId', SearchAttributeType.KEYWORD),
  batchState: defineSearchAttributeKey('BatchState', SearchAttributeType.KEYWORD),
  tenant: defineSearchAttributeKey('Tenant', SearchAttributeType.KEYWORD),
} as const;
