import { runInDurableObject } from 'cloudflare:test';
import { EdgeSession } from '../edge.ts';
import { sessionStub } from '../support.ts';

/** A session whose object starts with these variables; its members bob and vera may write. */
export async function limited(variables: Record<string, string>): Promise<EdgeSession> {
  const session = new EdgeSession();
  await runInDurableObject(sessionStub(session.id), (instance) => {
    const holder = instance as unknown as { env: object };
    Object.defineProperty(instance, 'env', { value: { ...holder.env, ...variables } });
  });
  const members = ['bob', 'vera'].map((userId) => ({ userId, role: 'member' }));
  await session.must('root', 'session.create', { id: session.id, title: 'Limited', members });
  return session;
}
