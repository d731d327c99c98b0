import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf, type Block } from './blocks.ts';

/** Every page whose blocks are run: the README, docs (decisions have none to run) and the examples' own. */
const PAGES = ['README.md', 'CONTRIBUTING.md', 'docs/*.md', 'examples/**/*.md', 'client/*.md'];

export function pages(root: string): { file: string; blocks: Block[] }[] {
  const files = PAGES.flatMap((pattern) => globSync(pattern, { cwd: root, exclude: (name) => name.endsWith('node_modules') }));
  return files.toSorted().map((file) => ({ file, blocks: blocksOf(file, readFileSync(join(root, file), 'utf8')) }));
}
