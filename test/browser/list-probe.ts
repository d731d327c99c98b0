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
    const textTops = Object.fromEntries(rows.map(({ ordinal, textTop }) => [ordinal, textTop]));
    return { ordinals: rows.map(({ ordinal }) => ordinal), gapPx, rows: all.length, scrollTop: list.scrollTop, textTops };
  };
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
`;

/** What is on the screen. */
export const LOOK = `(() => { ${FUNCTIONS} return look(); })()`;

/**
 * Goes up, page by page, until the first message is on the screen. Notes where what is seen does not become an unbroken run, and where
 * a text does not come to rest where it was before older ones were put above it: rows are measured in the frame after they come.
 */
export const SCROLL_TO_FIRST = `(async () => {
  ${FUNCTIONS}
  const REST_MS_MAX = 20_000;
  const faults = [];
  let pages = 0;
  let rowsMost = 0;
  const comesTrue = async (holds, fault) => {
    const until = performance.now() + REST_MS_MAX;
    for (;;) {
      const seen = look();
      rowsMost = Math.max(rowsMost, seen.rows);
      if (holds(seen)) return seen;
      if (performance.now() > until) {
        faults.push(fault + ': ' + JSON.stringify(seen));
        return seen;
      }
      await frame();
    }
  };
  const isRun = ({ ordinals, gapPx }) => ordinals.length >= 5 && gapPx <= 2 && ordinals.every((ordinal, at) => ordinal === ordinals[0] + at);
  await comesTrue(isRun, 'at its end');
  while (faults.length < 5) {
    list.scrollTop = 0;
    await frame();
    const before = await comesTrue(isRun, 'before page ' + pages);
    if (before.ordinals[0] === 1 && before.scrollTop === 0) break;
    // older ones came at once
    if (before.scrollTop > 0) continue;
    await comesTrue(({ scrollTop, ordinals }) => scrollTop > 0 || ordinals[0] === 1, 'no more came after page ' + pages);
    await comesTrue(isRun, 'after page ' + pages + ' (' + before.ordinals[0] + ' was first)');
    const held = before.ordinals.at(-1);
    await comesTrue(
      ({ textTops }) => textTops[held] !== undefined && Math.abs(textTops[held] - before.textTops[held]) <= 2,
      'page ' + pages + ': ' + held + ' did not stay at ' + before.textTops[held],
    );
    pages += 1;
  }
  return { pages, rowsMost, faults };
})()`;
