import { runConsumerProgram } from './supervisor/consumer-program.ts';

/** `npm run audit`: compares what was accepted with what is kept of it. */
runConsumerProgram('audit', 'audit/main.ts');
