import type { Token, Tokens } from 'marked';
import { createContext, memo, use, useMemo, type ReactNode } from 'react';
import { childrenOf, piecesOf, safeHref, tokensOf } from './markdown-tree.ts';

/** What may stand after an @ in this text, and whom it means; and who one is. */
export interface Mentioned {
  names: ReadonlyMap<string, string>;
  me: string | undefined;
}

const MentionedContext = createContext<Mentioned>({ names: new Map(), me: undefined });

/**
 * A text of others. It becomes elements one by one, by the kinds that are listed here: there is no HTML in between, so nothing
 * in it can be markup, run or load anything.
 */
export const Markdown = memo(function Markdown({ text, mentioned }: { text: string; mentioned: Mentioned }) {
  const tokens = useMemo(() => tokensOf(text), [text]);
  return (
    <MentionedContext value={mentioned}>
      <div className="prose">{tokens === undefined ? <p className="as-it-came">{text}</p> : <Blocks tokens={tokens} />}</div>
    </MentionedContext>
  );
});

function Blocks({ tokens }: { tokens: readonly Token[] }) {
  // the order of tokens is their identity: a text that changes is parsed anew
  return tokens.map((token, index) => <Shown key={index} token={token} />);
}

function Text({ text }: { text: string }) {
  const { names, me } = use(MentionedContext);
  return piecesOf(text, names).map((piece, index) =>
    piece.userId === undefined ? (
      piece.text
    ) : (
      <span key={index} className="mention" data-me={piece.userId === me ? '' : undefined}>
        {piece.text}
      </span>
    ),
  );
}

type Show = (token: never, inside: ReactNode) => ReactNode;

/** Every kind that is shown as what it is; others are shown as they were written. */
const KINDS: Readonly<Record<string, Show>> = {
  space: () => null,
  paragraph: (_token: Token, inside) => <p>{inside}</p>,
  heading: (_token: Token, inside) => <p className="heading">{inside}</p>,
  blockquote: (_token: Token, inside) => <blockquote>{inside}</blockquote>,
  list: (token: Tokens.List, inside) => (token.ordered ? <ol start={Number(token.start) || 1}>{inside}</ol> : <ul>{inside}</ul>),
  list_item: (token: Tokens.ListItem, inside) => (
    <li>
      {token.task && <input type="checkbox" checked={token.checked === true} disabled aria-label="Done" />}
      {inside}
    </li>
  ),
  checkbox: () => null,
  code: ({ text, lang }: Tokens.Code) => <Code text={text} language={lang} />,
  codespan: ({ text }: Tokens.Codespan) => <code>{text}</code>,
  strong: (_token: Token, inside) => <strong>{inside}</strong>,
  em: (_token: Token, inside) => <em>{inside}</em>,
  del: (_token: Token, inside) => <del>{inside}</del>,
  br: () => <br />,
  hr: () => <hr />,
  escape: ({ text }: Tokens.Escape) => text,
  text: (token: Tokens.Text, inside) => (token.tokens === undefined ? <Text text={token.text} /> : inside),
  link: (token: Tokens.Link, inside) => <Anchor href={token.href}>{inside}</Anchor>,
  // nothing of others is loaded: a picture is a link to it
  image: ({ href, text }: Tokens.Image) => <Anchor href={href}>{text || href}</Anchor>,
  table: (token: Tokens.Table) => <Table token={token} />,
};

function Shown({ token }: { token: Token }) {
  const show = Object.hasOwn(KINDS, token.type) ? KINDS[token.type] : undefined;
  if (show === undefined) return token.raw;
  const children = childrenOf(token);
  // the kind says which token it is: marked's union has no closed set of names to switch on
  return show(token as never, children.length > 0 ? <Blocks tokens={children} /> : null);
}

function Anchor({ href, children }: { href: string; children: ReactNode }) {
  const safe = safeHref(href);
  if (safe === undefined) return <>{children}</>;
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer nofollow ugc">
      {children}
    </a>
  );
}

function Code({ text, language }: { text: string; language: string | undefined }) {
  return (
    <pre tabIndex={0} aria-label={language ? `Code, ${language}` : 'Code'}>
      <code>{text}</code>
    </pre>
  );
}

function Table({ token }: { token: Tokens.Table }) {
  return (
    <div className="table" tabIndex={0} role="group" aria-label="Table">
      <table>
        <thead>
          <tr>
            {token.header.map((cell, index) => (
              <th key={index}>
                <Blocks tokens={cell.tokens} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>
                  <Blocks tokens={cell.tokens} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
