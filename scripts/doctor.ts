import { runConsumerProgram } from './supervisor/consumer-program.ts';

/** `npm run doctor`: what is wrong with a configuration and the servers that it names, and what to do. */
runConsumerProgram('doctor', 'doctor/main.ts', { alsoEdge: true, ownSources: ['--env-file', '--wrangler'] });
