import { rfc3339 } from '../clock.ts';
import type { MessageAddress, MessageRecord } from '../types.ts';

/** Everything a sink needs to write a message's row without reading it (design decision 5). */
export function addressOf(message: MessageRecord): MessageAddress {
  return {
    id: message.id,
    messageSeq: message.seq,
    author: message.author,
    role: message.role,
    ...(message.name === undefined ? {} : { name: message.name }),
    ...(message.parentId === undefined ? {} : { parentId: message.parentId }),
    mentions: message.mentions,
    createdAt: rfc3339(message.createdAt),
  };
}
