import type { GeneratorAnswer } from '../processes.ts';

/** Makes this process a generator: it takes one job from its parent, answers with what `run` made of it, and ends. */
export function runAsGenerator(run: (job: never) => Promise<unknown>): void {
  const end = (answer: GeneratorAnswer<unknown>): void => {
    process.send?.(answer);
    process.removeAllListeners('disconnect');
    process.disconnect();
  };
  process.once('message', (job) => {
    // what the parent sends is the job of this generator
    run(job as never).then(
      (result) => end({ kind: 'result', result }),
      (error: unknown) => end({ kind: 'error', message: error instanceof Error ? error.message : String(error) }),
    );
  });
  // the parent is gone: nobody waits for the result
  process.once('disconnect', () => process.exit(1));
}
