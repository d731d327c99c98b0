import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** valid for as long as a test runs, and for a clock that is somewhat off */
const VALID_MS = 24 * 3_600_000;

export interface PemFiles {
  certificate: string;
  key: string;
  /** of the authority that signed it */
  ca: string;
}

/** A certificate of localhost, for both uses, and the authority that vouches for it: files in PEM. */
export async function pemCertificate(directory: string, name = 'localhost'): Promise<PemFiles> {
  const dates = { notBeforeDate: new Date(Date.now() - VALID_MS), notAfterDate: new Date(Date.now() + VALID_MS) };
  const authority = await generate([{ name: 'commonName', value: `${name} authority` }], {
    ...dates,
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const node = await generate([{ name: 'commonName', value: name }], {
    ...dates,
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  mkdirSync(directory, { recursive: true });
  const put = (file: string, text: string): string => {
    const path = join(directory, file);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    certificate: put(`${name}.crt`, node.cert),
    key: put(`${name}.key`, node.private),
    ca: put(`${name}-ca.crt`, authority.cert),
  };
}
