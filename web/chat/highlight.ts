const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

export interface MarkedPiece {
  text: string;
  marked: boolean;
}

/** A highlight of the search as text: `<mark>` is the only markup in it, and five entities are all that is escaped (contract §2). */
export function markedPieces(html: string): MarkedPiece[] {
  return html
    .split(/(<mark>.*?<\/mark>)/s)
    .map((part) => ({ marked: part.startsWith('<mark>'), part: part.replace(/^<mark>|<\/mark>$/g, '') }))
    .filter(({ part }) => part !== '')
    .map(({ part, marked }) => ({
      marked,
      text: part.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity),
    }));
}
