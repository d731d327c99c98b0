import { expect, it } from 'vitest';
import { MillraceError } from '../../../client/error.ts';
import { bannerOf } from '../../../web/chat/banner.ts';

const expired = new MillraceError('unauthenticated', 'The token has expired.', { status: 401 });
const notRenewed = new MillraceError('token_unavailable', 'The grant is over');
const away = new MillraceError('network', 'Nobody answers.');

it.each(['reconnecting', 'loading'] as const)('says while %s that waiting does not help who has to sign in again', (status) => {
  expect(bannerOf(true, status, expired)).toMatchObject({ isSignedOut: true });
  expect(bannerOf(true, status, notRenewed)?.isSignedOut).toBe(true);
  expect(bannerOf(true, status, notRenewed)?.text).toContain('The grant is over');
});

it('says of a connection that is lost that it comes back', () => {
  expect(bannerOf(true, 'reconnecting', away)?.isSignedOut).toBeUndefined();
  expect(bannerOf(true, 'reconnecting', away)?.text).toContain('Reconnecting');
  expect(bannerOf(true, 'loading', away)?.text).toContain('Nobody answers.');
  expect(bannerOf(false, 'reconnecting', expired)?.text).toContain('offline');
});

it('says nothing where all is well, whatever went wrong before', () => {
  expect(bannerOf(true, 'live', expired)).toBeUndefined();
  expect(bannerOf(true, 'loading', undefined)).toBeUndefined();
});
