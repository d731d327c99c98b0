/** What a socket offers and is answered (contract §4). Here and not beside the schemas, since the client carries no zod. */
export const SUBPROTOCOL = 'millrace.v1';
export const TICKET_PROTOCOL_PREFIX = 'ticket.';
