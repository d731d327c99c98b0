/** What runs inside of a page to look at its list of messages, whose texts are their numbers. It is compiled with no DOM around it. */

const FUNCTIONS = `
  const list = document.querySelector('[data-testid="messages"]');
  const look = () => {
    const { top, bottom } = list.getBoundingClientRect();
    const all = [...list.querySelectorAll('[data-testid="message"]')];
    const rows = all
      .map((row) => ({ box: row.getBoundingClientRect(), prose: row.querySelector('.prose') }))
      .map(({ box, prose }) => ({ box, ordinal: Number(prose.textContent), textTop: prose.getBoundingClientRect().top }))
      .filter(({ box }) => box.bottom > top && box.top < bottom)
      .sort((a, b) => a.box.top - b.box.top);
    let gapPx = 0;
    for (let at = 1; at < rows.length; at += 1) gapPx = Math.max(gapPx, Math.abs(rows[at].box.top - rows[at - 1].box.bottom));
    return { ordinals: rows.map(({ ordinal }) => ordinal), gapPx, rows: all.length, scrollTop: list.scrollTop, textTops: new Map(rows.map(({ ordinal, textTop }) => [ordinal, textTop])) };
  };
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
`;

/** What is on the screen. */
export const LOOK = `(() => { ${FUNCTIONS} const { textTops, ...rest } = look(); return rest; })()`;

/**
 * Goes up, page by page, until the first message is on the screen. Notes where what is seen is no unbroken run, and where a text
 * moved while older ones were put before it. (Its row may lose what the first one of a list has: day and name.)
 */
export const SCROLL_TO_FIRST = `(async () => {
  ${FUNCTIONS}
  const faults = [];
  let pages = 0;
  let rowsMost = 0;
  const check = (seen, where) => {
    rowsMost = Math.max(rowsMost, seen.rows);
    const first = seen.ordinals[0];
    if (seen.ordinals.length < 5 || seen.gapPx > 2) faults.push(where + ': gap of ' + seen.gapPx + ' px in ' + seen.ordinals.length + ' rows');
    if (seen.ordinals.some((ordinal, at) => ordinal !== first + at)) faults.push(where + ': not a run: ' + seen.ordinals);
  };
  const deadline = performance.now() + 240_000;
  // rows are measured when they come into the page
  while (look().ordinals.length < 5 || look().gapPx > 2) await frame();
  while (faults.length < 5) {
    list.scrollTop = 0;
    await frame();
    const before = look();
    check(before, 'before page ' + pages);
    if (before.ordinals[0] === 1 && before.scrollTop === 0) break;
    if (before.scrollTop > 0) continue;
    // the next page is put above what is seen, which stays where it is
    while (list.scrollTop === 0 && look().ordinals[0] !== 1) {
      if (performance.now() > deadline) return { pages, rowsMost, faults: [...faults, 'no more came after page ' + pages + ': ' + JSON.stringify(look().ordinals)] };
      await frame();
    }
    await frame();
    const after = look();
    check(after, 'after page ' + pages);
    for (const [ordinal, top] of before.textTops) {
      const now = after.textTops.get(ordinal);
      if (now !== undefined && Math.abs(now - top) > 2) { faults.push('page ' + pages + ': ' + ordinal + ' moved by ' + (now - top)); break; }
    }
    pages += 1;
  }
  return { pages, rowsMost, faults };
})()`;
