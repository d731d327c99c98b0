import { runConsumerProgram } from './supervisor/consumer-program.ts';

/** `npm run rebuild -- NAME`: a read model anew. */
runConsumerProgram('rebuild', 'rebuild.ts');
