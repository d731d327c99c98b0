import type { MessageRole, Metadata } from '../shared/core/types.ts';

/**
 * Parts of the contract whose types shared/core does not have yet. Everything here gives way to a type of the same name
 * there, by itself: see CommandData and EventData.
 */
export interface PlannedCommandData {
  'reaction.add': { messageId: string; emoji: string };
  'reaction.remove': { messageId: string; emoji: string };
  'read.advance': { seq: number };
  'stream.start': {
    messageId?: string;
    role?: MessageRole;
    name?: string;
    parentId?: string;
    metadata?: Metadata;
    idleTimeoutMs?: number;
  };
  'stream.append': { messageId: string; index: number; text: string };
  'stream.finish': { messageId: string; status: 'completed' | 'failed'; text?: string };
  'stream.cancel': { messageId: string; reason?: string };
  'trace.start': { id?: string; name: string; metadata?: Metadata };
  'trace.append': PlannedSpan & { traceId: string };
  'trace.finish': { traceId: string; status: 'completed' | 'failed'; error?: string };
  'trace.purge': { traceId: string };
}

export interface PlannedSpan {
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind?: 'agent' | 'tool' | 'model' | 'other';
  status?: string;
  startedAt: string;
  endedAt?: string;
  input?: unknown;
  output?: unknown;
  metadata?: Metadata;
}

export interface PlannedEventData {
  'reaction.added': { messageId: string; messageSeq: number; emoji: string; userId: string };
  'reaction.removed': { messageId: string; messageSeq: number; emoji: string; userId: string };
  'trace.started': { id: string; name: string; metadata: Metadata };
  'trace.span': { traceId: string; traceSeq: number; span: PlannedSpan };
  'trace.finished': { id: string; traceSeq: number; status: 'completed' | 'failed'; error?: string; durationMs: number };
  'trace.purged': { id: string; traceSeq: number };
}
