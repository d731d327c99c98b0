import { analyticsReadModel } from './projections/analytics.ts';
import { historyReadModel } from './projections/history-read-model.ts';
import { notificationsReadModel } from './projections/notifications.ts';
import { searchReadModel } from './projections/search-read-model.ts';
import type { ReadModel } from './runtime/read-model.ts';

/** Every read model there is. Whatever looks after all of them (roles, durables, purges, audits, rebuilds) takes them from here. */
export const READ_MODELS: readonly ReadModel[] = [historyReadModel, notificationsReadModel, searchReadModel, analyticsReadModel];
