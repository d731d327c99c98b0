// Run while the image is built: leaves in package.json the dependencies that consumers/ and shared/ import, so that the
// edge's builder and its local platform stay out. Versions are still those of package-lock.json.
import { globSync, readFileSync, writeFileSync } from 'node:fs';

const IMPORT = /(?:\bfrom|\bimport\()\s*['"]((?:@[\w.-]+\/)?[\w.-]+)/g;

const sources = globSync(['consumers/**/*.ts', 'shared/**/*.ts']).map((file) => readFileSync(file, 'utf8'));
const imported = new Set(sources.flatMap((text) => [...text.matchAll(IMPORT)].map(([, name]) => name)));
const { devDependencies: _, overrides: __, dependencies, ...manifest } = JSON.parse(readFileSync('package.json', 'utf8'));
const kept = Object.entries(dependencies).filter(([name]) => imported.has(name));
writeFileSync('package.json', `${JSON.stringify({ ...manifest, dependencies: Object.fromEntries(kept) }, null, 2)}\n`);
