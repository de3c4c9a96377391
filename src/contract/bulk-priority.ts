/**
 * The priority, in BullMQ's sense, of jobs that are added in bulk: an import, a reconciliation, a call for many users.
 */

/**
 * BullMQ takes jobs without a priority first, then those with the lowest number. It is high so that a client's own priorities
 * go before an import.
 */
export const BULK_PRIORITY = 1000;
