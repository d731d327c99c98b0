import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { z } from 'zod';
import { describe } from '../runtime/log.ts';
import type { CassandraSettings } from '../stores/history/cassandra-settings.ts';
import type { OpenSearchSettings } from '../stores/search/opensearch-settings.ts';
import { openSearchCalls, propertyOf } from '../stores/search/opensearch-http.ts';
import { error, ok, warning, type Finding } from './finding.ts';

/** Whether each store can be reached, and is one that this program can work with. Reads only. */

const CALL_MS_MAX = 5_000;
/** copies with which the loss of one node loses nothing that was acknowledged */
const COPIES_WANTED = 3;
const GIB_BYTES = 1024 ** 3;
/** under it embedded stores and streams have little left */
const FREE_BYTES_WANTED = 2 * GIB_BYTES;
const FREE_BYTES_MIN = GIB_BYTES / 4;

export async function checkCassandra(settings: CassandraSettings): Promise<Finding[]> {
  // loaded where it is used: the driver is large
  const { diagnoseCassandra } = await import('../stores/history/cassandra-diagnosis.ts');
  const check = 'cassandra';
  const { contactPoints, keyspace, localDataCenter } = settings;
  const where = contactPoints.join(', ');
  const seen = await diagnoseCassandra(settings);
  switch (seen.kind) {
    case 'unreachable':
      return [
        error(
          check,
          `Cassandra does not answer at ${where}: ${seen.why}`,
          'Start it, or correct CASSANDRA_CONTACT_POINTS (and CASSANDRA_TLS_CA).',
        ),
      ];
    case 'login':
      return [
        error(check, `Cassandra does not take the login: ${seen.why}`, 'Correct CASSANDRA_USERNAME and CASSANDRA_PASSWORD.'),
      ];
    case 'dataCenter': {
      const says = `Cassandra has no data center ${localDataCenter}: there is ${seen.dataCenters.join(', ')}.`;
      return [error(check, says, `Set CASSANDRA_LOCAL_DC=${seen.dataCenters[0] ?? ''}`)];
    }
    case 'keyspace':
      return [error(check, `Cassandra has no keyspace ${keyspace}.`, 'Run "npm run migrate", or correct CASSANDRA_KEYSPACE.')];
    case 'seen': {
      if (seen.schema < seen.schemaNeeded) {
        const says = `The keyspace ${keyspace} has history schema ${seen.schema}, and this program needs ${seen.schemaNeeded}.`;
        return [error(check, says, 'Run "npm run migrate".')];
      }
      const found = [
        ok(check, `Cassandra ${seen.version} answers at ${where}, keyspace ${keyspace}, history schema ${seen.schema}.`),
      ];
      return [...found, ...copies(seen.copies, seen.nodes, settings)];
    }
  }
}

function copies(
  byDataCenter: Readonly<Record<string, number>> | undefined,
  nodes: number,
  { keyspace, localDataCenter }: CassandraSettings,
): Finding[] {
  const check = 'cassandra:copies';
  if (byDataCenter === undefined) {
    const says = `The keyspace ${keyspace} does not say how many copies each data center has.`;
    return [
      warning(
        check,
        says,
        `ALTER KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${localDataCenter}': 3}`,
      ),
    ];
  }
  const count = byDataCenter[localDataCenter] ?? 0;
  const fix = `ALTER KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', '${localDataCenter}': 3}, then nodetool repair.`;
  if (count === 0) return [error(check, `The keyspace ${keyspace} has no copy in the data center ${localDataCenter}.`, fix)];
  if (count >= COPIES_WANTED) return [ok(check, `The keyspace ${keyspace} has ${count} copies in ${localDataCenter}.`)];
  const says = `The keyspace ${keyspace} has ${count} of 3 copies in ${localDataCenter}: the loss of a node loses what was acknowledged, or stops writes.`;
  return [
    warning(check, says, nodes < COPIES_WANTED ? 'Fine on a machine of your own; in production have 3 nodes and 3 copies.' : fix),
  ];
}

const searchRoot = z.object({ version: z.object({ number: z.string(), distribution: z.string().optional() }) });

export async function checkSearch(settings: OpenSearchSettings): Promise<Finding[]> {
  const check = 'search';
  const { index, url } = settings;
  const call = openSearchCalls(settings);
  let root;
  try {
    root = await call('GET', '/', undefined, CALL_MS_MAX);
  } catch (failure) {
    return [error(check, `The search index does not answer at ${url}: ${describe(failure)}`, 'Start it, or correct SEARCH_URL.')];
  }
  if (root.status === 401 || root.status === 403) {
    return [error(check, `The search index at ${url} does not take the login.`, 'Correct user and password in SEARCH_URL.')];
  }
  const seen = searchRoot.safeParse(root.body);
  if (!seen.success) return [error(check, `What answers at ${url} is no OpenSearch.`, 'Correct SEARCH_URL.')];
  const { number, distribution = 'elasticsearch' } = seen.data.version;
  const found = [ok(check, `${distribution} ${number} answers at ${url}.`)];
  const alias = await call('GET', `/_alias/${index}`, undefined, CALL_MS_MAX);
  if (alias.status === 404) {
    const says = `There is no index ${index}: nothing can be found.`;
    return [
      ...found,
      error(
        'search:index',
        says,
        'A first start of the role search makes it; if there was one, run "npm run rebuild -- search".',
      ),
    ];
  }
  const template = await call('GET', `/_index_template/${index}`, undefined, CALL_MS_MAX);
  if (template.status === 404 && propertyOf(alias.body, 'error') === undefined) {
    found.push(warning('search:template', `There is no template ${index}: a rebuild makes it anew.`, 'Restart the role search.'));
  }
  return found;
}

export async function checkAnalytics(url: string): Promise<Finding[]> {
  const check = 'analytics';
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  const client = createClient({ url, request_timeout: CALL_MS_MAX, log: { level: ClickHouseLogLevel.OFF } });
  try {
    const rows = await client.query({ query: 'SELECT version() AS version', format: 'JSONEachRow' });
    const [row] = z.array(z.object({ version: z.string() })).parse(await rows.json());
    return [ok(check, `ClickHouse ${row?.version ?? ''} answers at ${shown.origin}.`)];
  } catch (failure) {
    return [
      error(
        check,
        `ClickHouse does not answer at ${shown.origin}: ${describe(failure)}`,
        'Start it, or correct ANALYTICS_URL and its login.',
      ),
    ];
  } finally {
    await client.close();
  }
}

/** Of the directory that embedded stores are in. */
export async function checkDisk(dataDir: string): Promise<Finding[]> {
  const check = 'disk';
  try {
    await access(dataDir, constants.R_OK | constants.W_OK);
  } catch {
    return [
      error(
        check,
        `DATA_DIR (${dataDir}) is not there, or cannot be written to.`,
        'Make it, and give it to the user that the consumers run as.',
      ),
    ];
  }
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  const says = `${(free / GIB_BYTES).toFixed(1)} GiB are free where DATA_DIR is`;
  const fix = 'Make room: a full disk stops JetStream and every embedded store.';
  if (free < FREE_BYTES_MIN) return [error(check, `${says}.`, fix)];
  return [free < FREE_BYTES_WANTED ? warning(check, `${says}.`, fix) : ok(check, `${says}.`)];
}
