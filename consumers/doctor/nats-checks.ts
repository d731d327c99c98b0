import { jetstream, JetStreamApiCodes, JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { AuthorizationError, NoRespondersError, PermissionViolationError, type NatsConnection } from '@nats-io/transport-node';
import { deadLetterSubject, PULSE_SUBJECT, receiptSubject } from '../../shared/contract/subjects.ts';
import { connectOnce, type NatsAddress } from '../runtime/connection.ts';
import { describe } from '../runtime/log.ts';
import { error, ok, warning, type Finding } from './finding.ts';

/** Whether NATS can be reached, and lets the consumers do what they have to. Nothing is stored by looking. */

const CHECK = 'nats';
const CALL_MS_MAX = 2_000;
/** JetStream's own error code (nats-server errors.json): a message for another stream than the one that has the subject */
const OTHER_STREAM = 10060;
/** no stream has this name: a message that expects it is refused by whichever stream it comes to */
const NO_STREAM = 'MILLRACE_DOCTOR_EXPECTS_NONE';
/** clocks further apart than this are worth a word, and than that an error: signed calls are refused at five minutes */
const SKEW_MS_WORTH_A_WORD = 2_000;
const SKEW_MS_MAX = 60_000;

export interface NatsSeen {
  findings: Finding[];
  /** absent where there is none */
  connection?: NatsConnection;
}

/** The caller closes the connection. Never rejects. */
export async function lookAtNats(address: NatsAddress): Promise<NatsSeen> {
  const where = address.natsServers.join(', ');
  try {
    const connection = await connectOnce(address, 'millrace-doctor');
    return { connection, findings: [ok(CHECK, `NATS answers at ${where}.`)] };
  } catch (failure) {
    return { findings: [refusedBy(where, failure)] };
  }
}

function refusedBy(where: string, failure: unknown): Finding {
  if (causeOf(failure, AuthorizationError) !== undefined) {
    const fix = 'Set NATS_CREDS to the credentials of the consumers, and see that the server knows their key.';
    return error(CHECK, `NATS at ${where} does not take these credentials.`, fix);
  }
  const fix = 'Start nats-server, or correct NATS_URL; see whether a firewall or TLS (tls://) is in between.';
  return error(CHECK, `NATS does not answer at ${where}: ${describe(failure)}`, fix);
}

/** What the user may do. With JetStream out of reach nothing else of it is looked at, and `manager` is absent. */
export async function checkRights(connection: NatsConnection): Promise<{ findings: Finding[]; manager?: JetStreamManager }> {
  const check = 'nats:rights';
  try {
    const manager = await jetstreamManager(connection, { timeout: CALL_MS_MAX });
    const refused = await refusedSubjects(connection);
    const findings = refused.map((subject) => {
      const says = `The user of NATS_CREDS may not publish ${subject}: ${WHY[subject] ?? ''}`;
      return error(check, says, 'Give the user the rights of CONSUMERS_MAY in deploy/nats/accounts.conf.');
    });
    return { manager, findings: findings.length > 0 ? findings : [ok(check, 'The user may do what was tried.')] };
  } catch (failure) {
    return { findings: [noJetStream(check, failure)] };
  }
}

function noJetStream(check: string, failure: unknown): Finding {
  const violation = causeOf(failure, PermissionViolationError);
  if (violation !== undefined) {
    const says = `The user of NATS_CREDS may not ${violation.operation} ${violation.subject}: without it no consumer can work.`;
    return error(check, says, 'Give the user the rights of CONSUMERS_MAY in deploy/nats/accounts.conf.');
  }
  const isOff = causeOf(failure, JetStreamApiError)?.code === JetStreamApiCodes.JetStreamNotEnabledForAccount;
  if (isOff || causeOf(failure, NoRespondersError) !== undefined) {
    return error(check, 'JetStream is not enabled for this account.', 'Enable it: see deploy/nats/single.conf.');
  }
  // a server says nothing to a request that may not be published, and the client cannot tell that from silence
  const says = `JetStream does not answer: ${describe(failure)}`;
  return error(check, says, 'See whether the user of NATS_CREDS may publish $JS.API.>, and whether the cluster has a leader.');
}

const LETTERS = deadLetterSubject('doctor');
const RECEIPTS = receiptSubject('doctor', 'doctor');

const WHY: Readonly<Record<string, string>> = {
  [LETTERS]: 'an event that cannot be taken would hold up all others',
  [RECEIPTS]: 'analytics could not tell when anything was persisted',
  [PULSE_SUBJECT]: 'nobody could see how the processes of the consumers are',
};

/** Of the subjects that every consumer publishes, those that it may not. Rejects with any other fault. */
async function refusedSubjects(connection: NatsConnection): Promise<string[]> {
  const client = jetstream(connection, { timeout: CALL_MS_MAX });
  const expect = { streamName: NO_STREAM };
  const tries: [subject: string, publish: () => Promise<unknown>][] = [
    ...[LETTERS, RECEIPTS].map((subject): [string, () => Promise<unknown>] => [
      subject,
      async () => await client.publish(subject, '', { expect, retries: 0 }),
    ]),
    [PULSE_SUBJECT, async () => await connection.request(PULSE_SUBJECT, '', { timeout: CALL_MS_MAX })],
  ];
  const refused: string[] = [];
  for (const [subject, publish] of tries) {
    const failure: unknown = await publish().then(
      () => undefined,
      (each: unknown) => each,
    );
    if (causeOf(failure, PermissionViolationError) !== undefined) refused.push(subject);
    else if (failure !== undefined && !isExpected(failure)) throw failure;
  }
  return refused;
}

/** The stream says that it is another one, as it should; where there is no stream, or no process, nobody answers: that is told of those. */
function isExpected(failure: unknown): boolean {
  return causeOf(failure, JetStreamApiError)?.code === OTHER_STREAM || causeOf(failure, NoRespondersError) !== undefined;
}

/** How far our clock is from the server's, by when it says it answered. */
export function checkClock(serverSaid: string | undefined, askedMs: number, answeredMs: number): Finding[] {
  if (serverSaid === undefined) return [];
  const skewMs = Math.abs(Date.parse(serverSaid) - (askedMs + answeredMs) / 2) - (answeredMs - askedMs) / 2;
  const says = `The clock of this machine and that of NATS are ${Math.round(Math.max(0, skewMs) / 100) / 10} s apart`;
  const fix = 'Let both take their time from the same source (NTP).';
  if (skewMs > SKEW_MS_MAX) return [error('clock', `${says}: signed calls are refused at 300 s.`, fix)];
  return [skewMs > SKEW_MS_WORTH_A_WORD ? warning('clock', `${says}.`, fix) : ok('clock', `${says}.`)];
}

/** What the client wraps is a few levels deep. */
function causeOf<T>(failure: unknown, kind: abstract new (...args: never[]) => T): T | undefined {
  for (let each = failure, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth += 1) {
    if (each instanceof kind) return each;
  }
  return undefined;
}
