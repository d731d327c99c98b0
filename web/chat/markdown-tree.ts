import { Lexer, type Token, type Tokens } from 'marked';

/** longer texts are shown as they came: parsing them costs more than it gives */
const MARKDOWN_CHARS_MAX = 20_000;
/** deeper nesting is shown as it came; what is meant by people stays far below */
const DEPTH_MAX = 12;
/** runs of marks that make a parser nest or look back once for each of them */
const HOSTILE_RUN = /(?:[>*_~`[\]()!\\-][ \t]*){64}|(?:^|\n)[ \t]*(?:(?:>|[-*+]|\d+[.)])[ \t]*){12}/;

/** The tokens of a text as Markdown, or undefined where it is better shown as it came. */
export function tokensOf(text: string): Token[] | undefined {
  if (text.length > MARKDOWN_CHARS_MAX || HOSTILE_RUN.test(text)) return undefined;
  try {
    const tokens = new Lexer({ gfm: true, breaks: true }).lex(text);
    return depthOf(tokens) > DEPTH_MAX ? undefined : tokens;
  } catch {
    return undefined;
  }
}

function depthOf(tokens: readonly Token[], at = 1): number {
  if (at > DEPTH_MAX) return at;
  return tokens.reduce((most, token) => Math.max(most, depthOf(childrenOf(token), at + 1)), at);
}

/** What a token holds; of tables that is read by whoever shows them. */
export function childrenOf(token: Token): readonly Token[] {
  if (token.type === 'list') return (token as Tokens.List).items;
  return 'tokens' in token && token.tokens !== undefined ? token.tokens : [];
}

/** Where a link may lead: to the web or to a mailbox, and never to a script. */
export function safeHref(href: string): string | undefined {
  try {
    const { protocol } = new URL(href);
    return ['https:', 'http:', 'mailto:'].includes(protocol) ? href : undefined;
  } catch {
    // a relative address would lead into these pages
    return undefined;
  }
}

export interface Piece {
  text: string;
  /** of a mention: whose */
  userId?: string;
}

/** Cuts a text at the mentions in it: `names` maps what stands after the @ to whom it means. */
export function piecesOf(text: string, names: ReadonlyMap<string, string>): Piece[] {
  if (names.size === 0 || !text.includes('@')) return [{ text }];
  // longer names first, so that @anna is not @ann
  const alternatives = [...names.keys()]
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`@(${alternatives.join('|')})(?![\\p{L}\\p{N}_])`, 'giu');
  const lower = new Map([...names].map(([name, id]) => [name.toLowerCase(), id]));
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const userId = lower.get(match[1]?.toLowerCase() ?? '');
    if (userId === undefined) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    pieces.push({ text: match[0], userId });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}
