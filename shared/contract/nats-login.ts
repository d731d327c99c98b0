/** The secret part of an NKEY pair of a user, in the form of NATS: what logs in where the server's configuration names public keys. */
const USER_SEED = /^SU[A-Z2-7]{56}$/;

/** Whether NATS_CREDS is a bare seed rather than a .creds file, which has a JWT too. */
export function isUserSeed(creds: string): boolean {
  return USER_SEED.test(creds.trim());
}
