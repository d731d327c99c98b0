import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';
import { conformance } from './suite/all.ts';
import { isGiven } from './target.ts';

requireOrSkip('nats-server', isGiven() ? undefined : natsServerMissing())('conformance', () => {
  conformance(isGiven() ? 'given system’s' : 'embedded');
});
