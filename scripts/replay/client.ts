/** A client of the public contract: what replay, and the system tests, drive the system with. */
export { HttpClient, PATIENCE_MS_DEFAULT, UnexpectedReply, describeReply, reasonOf, sessionPath } from './http.ts';
export type { HttpClientOptions, Reply, RequestInput } from './http.ts';
export { SessionSocket } from './socket.ts';
export type { SessionSocketOptions, SocketOutcome } from './socket.ts';
export { readEvents, readMessages } from './read-back.ts';
export * as answers from './answers.ts';
export { mintToken, secretFrom } from './token.ts';
