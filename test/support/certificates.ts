import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../scripts/launch/common.mjs';

/** Keys of a test, made by Java's own keytool: it is there where Cassandra runs. */

const KEYTOOL_MS_MAX = 60_000;
const DAYS = '2';

export interface Keys {
  /** PKCS12 of the node's key, its certificate and the authority's */
  keystore: string;
  password: string;
  /** PEM of the authority */
  ca: string;
  /** the same as a file */
  caFile: string;
}

/** A certificate authority of its own, and a node's key that it vouches for, for one address. */
export async function makeKeys(java: string, directory: string, name: string, address: string): Promise<Keys> {
  const file = (ending: string): string => join(directory, `${name}-${ending}`);
  const password = 'a password of tests';
  const keytool = async (...args: string[]): Promise<void> => {
    const { code, output } = await run(join(dirname(java), 'keytool'), [...args, '-storepass', password], {
      timeoutMs: KEYTOOL_MS_MAX,
    });
    if (code !== 0) throw new Error(`keytool ${args[0]}: ${output}`);
  };
  const authority = file('ca.p12');
  const keystore = file('node.p12');
  const caFile = file('ca.pem');
  const key = ['-keyalg', 'EC', '-validity', DAYS, '-storetype', 'PKCS12'];
  await keytool('-genkeypair', '-alias', 'ca', ...key, '-dname', `CN=${name}`, '-ext', 'bc:c', '-keystore', authority);
  await keytool('-exportcert', '-rfc', '-alias', 'ca', '-file', caFile, '-keystore', authority);
  await keytool('-genkeypair', '-alias', 'node', ...key, '-dname', 'CN=node', '-keystore', keystore);
  await keytool('-certreq', '-alias', 'node', '-file', file('node.csr'), '-keystore', keystore);
  const signed = ['-infile', file('node.csr'), '-outfile', file('node.pem'), '-ext', `san=ip:${address}`, '-validity', DAYS];
  await keytool('-gencert', '-rfc', '-alias', 'ca', ...signed, '-keystore', authority);
  await keytool('-importcert', '-noprompt', '-alias', 'ca', '-file', caFile, '-keystore', keystore);
  await keytool('-importcert', '-noprompt', '-alias', 'node', '-file', file('node.pem'), '-keystore', keystore);
  return { keystore, password, ca: readFileSync(caFile, 'utf8'), caFile };
}
