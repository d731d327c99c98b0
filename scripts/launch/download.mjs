// Run as `node download.mjs URL FILE`: fetches a file. A process of its own, because fetch honours HTTP(S)_PROXY only when
// NODE_USE_ENV_PROXY is there from the start, and nothing else that we run should send loopback traffic to a proxy.
import { writeFileSync } from 'node:fs';

const CONNECT_MS_MAX = 5_000;
const TRANSFER_MS_MAX = 5 * 60_000;
const REDIRECTS_MAX = 5;
const BYTES_MAX = 128 * 1024 * 1024;

/** Follows redirects by hand, so that each server has its own time to answer. */
async function open(url) {
  let address = url;
  for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new Error(`no answer in ${CONNECT_MS_MAX / 1000} s`)), CONNECT_MS_MAX);
    const response = await fetch(address, { redirect: 'manual', signal: controller.signal });
    clearTimeout(timer);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || !location) return { response, controller };
    address = new URL(location, address).href;
  }
  throw new Error('too many redirects');
}

const [url, file] = process.argv.slice(2);
try {
  const { response, controller } = await open(url);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const timer = setTimeout(() => controller.abort(new Error('the transfer takes too long')), TRANSFER_MS_MAX);
  const chunks = [];
  let total = 0;
  for await (const chunk of response.body) {
    total += chunk.length;
    if (total > BYTES_MAX) throw new Error('larger than expected');
    chunks.push(chunk);
  }
  clearTimeout(timer);
  writeFileSync(file, Buffer.concat(chunks));
} catch (error) {
  process.stderr.write(`error: ${error.cause?.code ?? error.cause?.message ?? error.message}\n`);
  process.exit(1);
}
