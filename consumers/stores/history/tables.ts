/**
 * The one description of the history tables (contract §9); adapters make their schemas and statements of it.
 * Every cell is written with the clock of the event that wrote it, as Cassandra's `USING TIMESTAMP` does.
 */
export type CellType = 'text' | 'int' | 'boolean' | 'timestamp' | 'clock';

export interface RowKeyPart {
  name: 'seq' | 'messageSeq' | 'emoji' | 'userId';
  type: 'int' | 'text';
}

export interface TableDescription {
  /** key parts that name the session */
  sessionKey: readonly ['tenant', 'sessionId'];
  /** rows per partition: the bucket is the first part of the row key, a seq, div this; absent: one partition per session */
  seqsPerBucket?: number;
  /** the key parts that order rows inside a partition; none: one row per session */
  rowKey: readonly RowKeyPart[];
  cells: Readonly<Record<string, CellType>>;
  /** a row without this cell is absent to readers: something wrote to it before its creation came */
  presence: string;
}

const sessionKey = ['tenant', 'sessionId'] as const;
const bySeq = [{ name: 'seq', type: 'int' }] as const;

export const HISTORY_TABLES = {
  /** the archive. `data` is a cell of its own, so that an erasure overwrites it and nothing else */
  events: {
    sessionKey,
    seqsPerBucket: 1_000,
    rowKey: bySeq,
    cells: { envelope: 'text', data: 'text', publishedAt: 'timestamp', persistedAt: 'timestamp' },
    presence: 'envelope',
  },
  messages: {
    sessionKey,
    seqsPerBucket: 10_000,
    rowKey: bySeq,
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
    rowKey: [{ name: 'userId', type: 'text' }],
    cells: { role: 'text', active: 'boolean', joinedAt: 'text', version: 'clock' },
    presence: 'joinedAt',
  },
  /** a reaction of a deleted message has gone with it: the message's row says so */
  reactions: {
    sessionKey,
    seqsPerBucket: 10_000,
    rowKey: [
      { name: 'messageSeq', type: 'int' },
      { name: 'emoji', type: 'text' },
      { name: 'userId', type: 'text' },
    ],
    cells: { messageId: 'text', active: 'boolean', version: 'clock' },
    presence: 'active',
  },
  /** by the seq of their trace.started */
  traces: {
    sessionKey,
    seqsPerBucket: 10_000,
    rowKey: bySeq,
    cells: {
      id: 'text',
      author: 'text',
      name: 'text',
      status: 'text',
      metadata: 'text',
      error: 'text',
      startedAt: 'text',
      finishedAt: 'text',
      durationMs: 'int',
      purgedAt: 'text',
      version: 'clock',
    },
    presence: 'startedAt',
  },
  /** by the seq of their first trace.span; what comes more is merged cell by cell */
  spans: {
    sessionKey,
    seqsPerBucket: 10_000,
    rowKey: bySeq,
    cells: {
      traceId: 'text',
      traceSeq: 'int',
      spanId: 'text',
      parentSpanId: 'text',
      name: 'text',
      kind: 'text',
      status: 'text',
      startedAt: 'text',
      endedAt: 'text',
      input: 'text',
      output: 'text',
      metadata: 'text',
      active: 'boolean',
      version: 'clock',
    },
    presence: 'traceId',
  },
  sessions: {
    sessionKey,
    rowKey: [],
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

/** What a purge, or a session's deletion, writes over a trace's cells that hold content. */
export const ERASED_TRACE_CELLS = { name: '', metadata: '{}', error: '' } as const satisfies CellsOf<'traces'>;

/** The same for a span, of which nothing is left but whose it was. */
export const ERASED_SPAN_CELLS = {
  spanId: '',
  parentSpanId: '',
  name: '',
  kind: '',
  status: '',
  startedAt: '',
  endedAt: '',
  input: '',
  output: '',
  metadata: '{}',
  active: false,
} as const satisfies CellsOf<'spans'>;

/** What a session's deletion writes over every row, by table. */
export const ERASED_CELLS: { readonly [T in HistoryTable]?: CellsOf<T> } = {
  events: { data: ERASED_DATA },
  messages: ERASED_MESSAGE_CELLS,
  members: { active: false },
  reactions: { active: false },
  traces: ERASED_TRACE_CELLS,
  spans: ERASED_SPAN_CELLS,
};
export const ERASED_TABLES = Object.keys(ERASED_CELLS) as HistoryTable[];

export const HISTORY_SCHEMA_VERSION = 3;

/** by cell and key part: there are no others, and they are asked for with every row */
const COLUMNS = new Map<string, string>();

/** The column of a cell or key part: snake_case. */
export function columnOf(name: string): string {
  const known = COLUMNS.get(name);
  if (known !== undefined) return known;
  const column = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  COLUMNS.set(name, column);
  return column;
}

/** The parts of a row's key inside its partition, in order. */
export function rowKeyOf(table: HistoryTable, key: Readonly<Record<string, string | number>>): (string | number)[] {
  const { rowKey }: TableDescription = HISTORY_TABLES[table];
  return rowKey.map(({ name }) => key[name] ?? '');
}

/** The part of the row key that is a seq, if there is one: it comes first. */
export function seqPartOf(table: HistoryTable): RowKeyPart | undefined {
  const { rowKey }: TableDescription = HISTORY_TABLES[table];
  return rowKey[0]?.type === 'int' ? rowKey[0] : undefined;
}

/** The bucket of a row's partition; 0 where a table has none. */
export function bucketOf(table: HistoryTable, seq: number): number {
  const description: TableDescription = HISTORY_TABLES[table];
  return description.seqsPerBucket === undefined ? 0 : Math.floor(seq / description.seqsPerBucket);
}
