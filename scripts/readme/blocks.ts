/** Fenced blocks of a Markdown page, and what is to be done with each. */

/** How a block is run. The words stand in a comment right above it: `<!-- run: … -->`. */
export type Run =
  /** word for word, and its exit code must be 0 */
  | { how: 'here' }
  /** `background, until "TEXT"`: goes on while the blocks below it run, once its output holds the text */
  | { how: 'background'; until: string }
  /** `not, REASON` */
  | { how: 'not'; reason: string };

export interface Block {
  file: string;
  /** of the opening fence, from 1 */
  line: number;
  language: string;
  text: string;
  run: Run;
}

/** Languages that a reader would run; everything else is there to be looked at. */
export const RUNNABLE: Readonly<Record<string, 'sh' | 'node' | 'python'>> = {
  sh: 'sh',
  bash: 'sh',
  js: 'node',
  ts: 'node',
  python: 'python',
};

const FENCE = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/;
const DIRECTIVE = /^<!--\s*run:\s*(.*?)\s*-->$/;

/** Throws for a directive that means nothing: a block that is silently not run would prove nothing. */
export function blocksOf(file: string, markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  let above = '';
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const fence = FENCE.exec(line);
    if (fence === null) {
      if (line.trim() !== '') above = line.trim();
      continue;
    }
    const [, indent = '', marks = '', language = ''] = fence;
    const end = lines.findIndex((each, index) => index > at && each.trim().startsWith(marks));
    if (end === -1) throw new Error(`${file}:${at + 1}: this fence is not closed`);
    const text = lines.slice(at + 1, end).map((each) => (each.startsWith(indent) ? each.slice(indent.length) : each));
    blocks.push({ file, line: at + 1, language, text: `${text.join('\n')}\n`, run: directive(file, at + 1, language, above) });
    at = end;
    above = '';
  }
  return blocks;
}

function directive(file: string, line: number, language: string, above: string): Run {
  const words = DIRECTIVE.exec(above)?.[1];
  if (!Object.hasOwn(RUNNABLE, language)) return { how: 'not', reason: 'to be looked at' };
  if (words === undefined) return { how: 'here' };
  const until = /^background, until "(.+)"$/.exec(words)?.[1];
  if (until !== undefined) return { how: 'background', until };
  const reason = /^not, (.+)$/.exec(words)?.[1];
  if (reason !== undefined) return { how: 'not', reason };
  throw new Error(`${file}:${line}: "run: ${words}" means nothing here`);
}
