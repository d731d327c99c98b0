/** Bytes of the first regular file whose path ends in `/name` (or is `name`). Throws when the archive is broken or has none. */
export function fileFromTarGz(archive: Uint8Array, name: string): Uint8Array;
