/**
 * The one description of the history tables (contract §9); adapters make their schemas and statements of it.
 * Every cell is written with the clock of the event that wrote it, as Cassandra's `USING TIMESTAMP` does.
 */
export type CellType = 'text' | 'int' | 'boolean' | 'timestamp' | 'clock';

export interface TableDescription {
  /** key parts that name the session */
  sessionKey: readonly ['tenant', 'sessionId'];
  /** rows per partition: the bucket is seq div this; absent: one partition per session */
  seqsPerBucket?: number;
  /** the key part that orders rows inside a partition; absent: one row per session */
  rowKey?: { name: 'seq'; type: 'int' } | { name: 'userId'; type: 'text' };
  cells: Readonly<Record<string, CellType>>;
  /** a row without this cell is absent to readers: something wrote to it before its creation came */
  presence: string;
}

const sessionKey = ['tenant', 'sessionId'] as const;

export const HISTORY_TABLES = {
  /** the archive. `data` is a cell of its own, so that an erasure overwrites it and nothing else */
  events: {
    sessionKey,
    seqsPerBucket: 1_000,
    rowKey: { name: 'seq', type: 'int' },
    cells: { envelope: 'text', data: 'text', publishedAt: 'timestamp', persistedAt: 'timestamp' },
    presence: 'envelope',
  },
  messages: {
    sessionKey,
    seqsPerBucket: 10_000,
    rowKey: { name: 'seq', type: 'int' },
    cells: {
      id: 'text',
      ordinal: 'int',
      author: 'text',
      role: 'text',
      name: 'text',
      text: 'text',
      status: 'text',
      parentId: 'text',
      toolCallId: 'text',
      mentions: 'text',
      metadata: 'text',
      createdAt: 'text',
      editedAt: 'text',
      deletedAt: 'text',
      version: 'clock',
    },
    presence: 'createdAt',
  },
  members: {
    sessionKey,
    rowKey: { name: 'userId', type: 'text' },
    cells: { role: 'text', active: 'boolean', joinedAt: 'text', version: 'clock' },
    presence: 'joinedAt',
  },
  sessions: {
    sessionKey,
    cells: {
      title: 'text',
      description: 'text',
      visibility: 'text',
      metadata: 'text',
      status: 'text',
      createdAt: 'text',
      updatedAt: 'text',
      version: 'clock',
    },
    presence: 'createdAt',
  },
} as const satisfies Record<string, TableDescription>;

export type HistoryTable = keyof typeof HISTORY_TABLES;

interface CellValues {
  text: string;
  int: number;
  boolean: boolean;
  /** epoch milliseconds */
  timestamp: number;
  clock: bigint;
}
export type CellValue = CellValues[CellType];

/** The cells of a table, each absent or a value: never null, which Cassandra would keep as a tombstone. */
export type CellsOf<T extends HistoryTable> = {
  -readonly [C in keyof (typeof HISTORY_TABLES)[T]['cells']]?: (typeof HISTORY_TABLES)[T]['cells'][C] extends CellType
    ? CellValues[(typeof HISTORY_TABLES)[T]['cells'][C]]
    : never;
};

/** What an erased `data` cell holds; readers answer `{id: subject, erased: true}`, for an erasure by range knows no subjects. */
export const ERASED_DATA = '{"erased":true}';

/** What `eraseSession` writes over the cells of a message that hold content. */
export const ERASED_MESSAGE_CELLS = {
  text: '',
  toolCallId: '',
  mentions: '[]',
  metadata: '{}',
} as const satisfies CellsOf<'messages'>;

export const HISTORY_SCHEMA_VERSION = 1;

/** The column of a cell or key part: snake_case. */
export function columnOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The bucket of a row's partition; 0 where a table has none. */
export function bucketOf(table: HistoryTable, seq: number): number {
  const description: TableDescription = HISTORY_TABLES[table];
  return description.seqsPerBucket === undefined ? 0 : Math.floor(seq / description.seqsPerBucket);
}
