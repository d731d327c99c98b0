import { expect, it } from 'vitest';
import { checkEdgeSettings } from '../../../../consumers/doctor/settings-checks.ts';

const GOOD = 'c8Zt1f0qP4mWv7Rk2Xy9Lb3Ns6Ja5HdQe';

const GOOD_ENOUGH = {
  JWT_SECRET: GOOD,
  INTERNAL_SECRET: `${GOOD}2`,
  ALLOWED_ORIGINS: 'https://app.example.com, http://localhost:5173',
  PUBLIC_URL: 'https://millrace.example.com',
  NATS_WS_URL: 'wss://a.example.com:443,wss://b.example.com',
  UPLINKS: '4',
  TENANT_PLACEMENT: '{"acme":{"jurisdiction":"eu"}}',
  JWT_JWKS_URL: 'https://login.example.com/keys',
  ENVIRONMENT: 'production',
};

it('finds nothing in good settings, and nothing in those that are not there', () => {
  expect(checkEdgeSettings(GOOD_ENOUGH).filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(checkEdgeSettings({})).toEqual([]);
});

it.each([
  ['JWT_SECRET', 'short', 'error', /5 bytes.*503/],
  ['INTERNAL_SECRET', 'a'.repeat(40), 'warning', /guessed/],
  ['JWT_JWKS_URL', 'keys.json', 'error', /not an address/],
  ['ALLOWED_ORIGINS', 'https://a.example.com,https://*.example.com', 'error', /"https:\/\/\*\.example\.com"/],
  ['ALLOWED_ORIGINS', 'https://a.example.com/', 'error', /"https:\/\/a\.example\.com\/"/],
  ['ALLOWED_ORIGINS', 'a.example.com', 'error', /no browser ever sends/],
  ['ALLOWED_ORIGINS', '', 'warning', /not set/],
  ['PUBLIC_URL', 'millrace.example.com', 'error', /not an address/],
  ['PUBLIC_URL', 'https://millrace.example.com/', 'warning', /more than an origin/],
  ['PUBLIC_URL', 'http://millrace.example.com', 'warning', /not https/],
  ['NATS_WS_URL', 'wss://a.example.com,nats://b.example.com', 'error', /"nats:\/\/b\.example\.com"/],
  ['UPLINKS', '0', 'error', /"0"/],
  ['UPLINKS', '65', 'error', /"65"/],
  ['TENANT_PLACEMENT', '{', 'error', /JSON/],
  ['TENANT_PLACEMENT', '[]', 'error', /JSON/],
] as const)('%s %j is a %s', (name, value, level, says) => {
  const found = checkEdgeSettings({ ...GOOD_ENOUGH, [name]: value }).filter((each) => each.level !== 'ok');
  expect(found).toMatchObject([{ check: name, level }]);
  expect(found[0]?.says).toMatch(says);
  expect(found[0]?.fix).toBeTruthy();
});

it('says how an origin is written', () => {
  const [found] = checkEdgeSettings({ ALLOWED_ORIGINS: 'https://a.example.com/app' });
  expect(found?.fix).toBe('Write it as https://a.example.com');
});

it('shows no secret', () => {
  expect(JSON.stringify(checkEdgeSettings({ JWT_SECRET: 'hunter2', INTERNAL_SECRET: GOOD }))).not.toMatch(/hunter2|c8Zt1f/);
});
