export interface ContainerPlace {
  /** of the container and of its volume */
  name: string;
  /** of CQL, on 127.0.0.1 */
  port: number;
  /** 512 */
  heapMiB?: number;
}

/** Does an engine answer within five seconds? Never rejects. */
export function dockerAnswers(): Promise<boolean>;
/** Fetches the image when it is not there. Throws an Error of one line when it cannot be had. */
export function ensureCassandraImage(): Promise<void>;
/** What follows `docker` on the command line that runs a node in the foreground. */
export function containerArguments(place: ContainerPlace): string[];
