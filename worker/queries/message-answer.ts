import type { MessageAnswer } from '../../shared/contract/answers.ts';
import type { StoredMessage } from '../../shared/contract/internal.ts';
import { compareClocks, rfc3339 } from '../../shared/core/clock.ts';
import type { MessageStatus, Metadata } from '../../shared/core/types.ts';
import type { PageItem } from '../session/api.ts';

interface Body {
  text: string;
  status: MessageStatus;
  toolCallId?: string;
  metadata: Metadata;
  mentions: readonly string[];
  editedAt?: string;
  deletedAt?: string;
}

/** True when the body of this row has to come from the store. */
export function needsStore(item: PageItem): boolean {
  return item.body === undefined && item.record.deletedAt === undefined;
}

/**
 * True when the row is at least as new as what the Session promised. With `newerText` the text comes from the tail, and only what no
 * edit changes is wanted of the row.
 */
export function isCurrent(item: PageItem, stored: StoredMessage): boolean {
  if (stored.id !== item.record.id || stored.seq !== item.record.seq) return false;
  return item.newerText !== undefined || compareClocks(stored.version, item.record.clock) >= 0;
}

/** A Message (contract §2) of its index row and its body: from the tail, or from the store, where the larger clock wins. */
export function messageAnswer(sessionId: string, item: PageItem, stored?: StoredMessage): MessageAnswer {
  const { record } = item;
  const body = bodyOf(item, stored);
  const deleted = body.deletedAt !== undefined;
  return {
    id: record.id,
    sessionId,
    seq: record.seq,
    author: {
      id: record.author,
      ...(record.authorName === undefined ? {} : { name: record.authorName }),
      kind: record.authorKind,
    },
    role: record.role,
    ...(record.name === undefined ? {} : { name: record.name }),
    text: deleted ? '' : body.text,
    status: body.status,
    ...(record.parentId === undefined ? {} : { parentId: record.parentId }),
    replyCount: item.replyCount,
    ...(deleted || body.toolCallId === undefined ? {} : { toolCallId: body.toolCallId }),
    mentions: deleted ? [] : body.mentions,
    reactions: deleted ? [] : item.reactions,
    createdAt: rfc3339(record.createdAt),
    ...(body.editedAt === undefined ? {} : { editedAt: body.editedAt }),
    ...(body.deletedAt === undefined ? {} : { deletedAt: body.deletedAt }),
    metadata: deleted ? {} : body.metadata,
    attachments: [],
  };
}

function bodyOf(item: PageItem, stored: StoredMessage | undefined): Body {
  const { record } = item;
  const indexed = {
    mentions: record.mentions,
    ...(record.editedAt === undefined ? {} : { editedAt: rfc3339(record.editedAt) }),
    ...(record.deletedAt === undefined ? {} : { deletedAt: rfc3339(record.deletedAt) }),
  };
  if (stored === undefined || !needsStore(item)) {
    return { text: '', status: 'completed', metadata: {}, ...item.body, ...indexed };
  }
  const { status, toolCallId, metadata } = stored;
  const constant = { status, metadata, ...(toolCallId === undefined ? {} : { toolCallId }) };
  // a write between the two reads leaves the row newer than the index row: then the row is the truth
  if (compareClocks(stored.version, record.clock) > 0) return { ...constant, ...indexed, ...changeable(stored) };
  return { ...constant, ...indexed, text: item.newerText ?? stored.text };
}

function changeable({ text, editedAt, deletedAt }: StoredMessage) {
  return { text, ...(editedAt === undefined ? {} : { editedAt }), ...(deletedAt === undefined ? {} : { deletedAt }) };
}
