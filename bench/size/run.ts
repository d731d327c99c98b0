import { startServer } from '../processes.ts';
import { measureSize, type SizePlan, type SizeResults } from './measure.ts';
import { sizeNotes, sizeTable } from './report.ts';

export type StoreName = 'embedded' | 'Cassandra';

/** Measures size on a system of its own, and prints the table. */
export async function runSize(store: StoreName, plan: SizePlan): Promise<SizeResults> {
  console.log(`\nsize: starting Millrace with the ${store} store …`);
  const server = await startServer('servers/millrace.ts', store === 'Cassandra' ? ['--with-cassandra'] : []);
  try {
    const { url, jwtSecret, detail } = server.announcement;
    console.log(`  ${detail}`);
    const results = await measureSize({ url, jwtSecret: jwtSecret ?? '' }, `${store} store`, plan, (name) =>
      console.log(`  size: ${name} …`),
    );
    console.log(`\n${sizeTable(results)}\n\n${sizeNotes(results)}`);
    return results;
  } finally {
    await server.stop();
  }
}
