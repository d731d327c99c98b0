import type { ContainerPlace } from './cassandra-docker.mjs';

/** What follows `docker` on the command line that runs a node in the foreground. */
export function openSearchContainer(place: ContainerPlace): string[];
