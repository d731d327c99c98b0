export interface CassandraTools {
  java: string;
  /** folder of the server's jars */
  jars: string;
}

export interface CassandraPlace {
  /** configuration, data and log; kept when the node stops */
  directory: string;
  /** 127.0.0.1 */
  host?: string;
  /** of CQL */
  port: number;
  /** between nodes */
  storagePort: number;
  /** 512 */
  heapMiB?: number;
  /** of the nodes of its cluster, itself too, all with the same ports; itself alone */
  seeds?: string[];
  /** where its share of the data begins; chosen by the node */
  initialToken?: string;
  /** clients need a user and a password, at first cassandra and cassandra, and rights; else anyone may do anything */
  login?: boolean;
  /** clients must use TLS: a PKCS12 file with the node's key */
  tls?: { keystore: string; password: string };
}

export interface CassandraNode {
  /** `host:port` */
  contactPoint: string;
  pid: number;
  /** Asks it to end and resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
}

/** Java and jars, fetched when they are not there. Throws an Error with one line that says what to do. */
export function ensureCassandra(): Promise<CassandraTools>;
/** Does a node answer there? Never rejects. */
export function answersCql(host: string, port: number, options?: { tls?: boolean }): Promise<boolean>;
/** Writes the node's configuration and answers what runs it in the foreground. */
export function cassandraCommand(tools: CassandraTools, place: CassandraPlace): { command: string; args: string[] };
/** Starts a node and resolves once it answers. Throws an Error with one line when it does not come up. */
export function startCassandra(place: CassandraPlace): Promise<CassandraNode>;
