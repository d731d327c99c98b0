export interface ContainerPlace {
  /** of the container and of its volume */
  name: string;
  /** of CQL, on 127.0.0.1 */
  port: number;
  /** 512 */
  heapMiB?: number;
}

/** What follows `docker` on the command line that runs a node in the foreground. */
export function containerArguments(place: ContainerPlace): string[];
