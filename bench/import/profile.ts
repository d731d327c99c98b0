/** Where the time of a process went, from a profile that V8 took of it (`node --cpu-prof`). */

export interface CpuProfile {
  nodes: readonly { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  /** the node that ran, per sample */
  samples: readonly number[];
  /** microseconds before each sample */
  timeDeltas: readonly number[];
}

export interface Share {
  name: string;
  /** of the whole time, in 0…1 */
  share: number;
}

export interface WhereTimeGoes {
  parts: Share[];
  functions: Share[];
}

const FUNCTIONS_SHOWN = 12;
const PARTS_SHOWN = 12;

/** Self time by part of the program and by function, largest first. */
export function whereTimeGoes({ nodes, samples, timeDeltas }: CpuProfile): WhereTimeGoes {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    // what stands before a sample is when the one before it was taken
    const took = Math.max(0, timeDeltas[index + 1] ?? 0);
    if (frame === undefined) continue;
    total += took;
    const part = partOf(frame);
    add(parts, part, took);
    add(functions, frame.url === '' ? part : `${frame.functionName || '(anonymous)'} in ${part}`, took);
  }
  return { parts: largest(parts, total, PARTS_SHOWN), functions: largest(functions, total, FUNCTIONS_SHOWN) };
}

function partOf({ functionName, url }: { functionName: string; url: string }): string {
  if (url === '') return functionName.startsWith('(') ? functionName : `native ${functionName}`;
  if (url.startsWith('node:')) return url;
  const packaged = url.split('/node_modules/').at(-1);
  if (packaged !== undefined && packaged !== url) {
    const [first = '', second = ''] = packaged.split('/');
    return first.startsWith('@') ? `${first}/${second}` : first;
  }
  return /\/((?:consumers|shared)\/.+)$/.exec(url)?.[1] ?? url;
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function largest(sums: ReadonlyMap<string, number>, total: number, shown: number): Share[] {
  return [...sums]
    .map(([name, sum]) => ({ name, share: total === 0 ? 0 : sum / total }))
    .toSorted((a, b) => b.share - a.share)
    .slice(0, shown);
}
