/**
 * Names of attributes, after OpenTelemetry's semantic conventions (HTTP, messaging, database, general), and ours beside them.
 * All of them have values of bounded length; none is ever a message's text, a token or a payload.
 */
export const ATTR = {
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  protocolName: 'network.protocol.name',
  serverAddress: 'server.address',
  messagingSystem: 'messaging.system',
  /** send, process, settle … */
  messagingOperationType: 'messaging.operation.type',
  /** what the client calls it */
  messagingOperationName: 'messaging.operation.name',
  messagingDestination: 'messaging.destination.name',
  messagingDestinationTemplate: 'messaging.destination.template',
  messagingConsumerGroup: 'messaging.consumer.group.name',
  messagingMessageId: 'messaging.message.id',
  messagingBatchCount: 'messaging.batch.message_count',
  dbSystem: 'db.system.name',
  dbNamespace: 'db.namespace',
  dbOperation: 'db.operation.name',
  dbBatchSize: 'db.operation.batch.size',
  tenant: 'millrace.tenant',
  session: 'millrace.session.id',
  seq: 'millrace.seq',
  command: 'millrace.command',
  commandId: 'millrace.command.id',
  eventType: 'millrace.event.type',
  correlationId: 'millrace.correlation_id',
  /** http, socket or nats */
  door: 'millrace.door',
  /** accepted, unchanged, duplicate or refused */
  outcome: 'millrace.outcome',
  /** of the catalogue of errors */
  errorCode: 'millrace.error.code',
  consumer: 'millrace.consumer',
  sockets: 'millrace.sockets',
  frameEvents: 'millrace.frame.events',
  attempts: 'millrace.attempts',
  deadLetterReason: 'millrace.dead_letter.reason',
  redriven: 'millrace.redriven',
} as const;
