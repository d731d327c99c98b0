export interface OpenSearchTools {
  java: string;
  /** of the server */
  home: string;
}

export interface OpenSearchPlace {
  /** configuration, data and log; kept when the node stops */
  directory: string;
  /** of HTTP, on 127.0.0.1 */
  port: number;
  /** between nodes */
  transportPort: number;
  /** 512 */
  heapMiB?: number;
}

export interface OpenSearchNode {
  url: string;
  pid: number;
  /** Asks it to end and resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
}

/** Java and server, fetched when they are not there. Throws an Error with one line that says what to do. */
export function ensureOpenSearch(): Promise<OpenSearchTools>;
/** Where a node's data can be: `directory`, made, or one of this name in the system's temporary folder. */
export function openSearchDirectory(directory: string, name: string): string;
/** Does a node answer at this address? Never rejects. */
export function answersSearch(url: string): Promise<boolean>;
/** Writes the node's configuration and answers what runs it in the foreground. */
export function openSearchCommand(tools: OpenSearchTools, place: OpenSearchPlace): { command: string; args: string[] };
/** Starts a node and resolves once it answers. Throws an Error with one line when it does not come up. */
export function startOpenSearch(place: OpenSearchPlace): Promise<OpenSearchNode>;
