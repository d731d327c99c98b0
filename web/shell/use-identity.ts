import { useSyncExternalStore } from 'react';
import { readIdentity, type Identity } from '../sign-in/identity.ts';
import { onStored } from '../stored.ts';

let known: Identity | undefined = readIdentity();

/** The same object until somebody signs in or out, here or in another tab. */
function current(): Identity | undefined {
  const next = readIdentity();
  // renewed tokens are still those of the same person
  const isSame = next?.kind === 'oidc' ? known?.kind === 'oidc' : JSON.stringify(next) === JSON.stringify(known);
  return isSame ? known : (known = next);
}

export function useIdentity(): Identity | undefined {
  return useSyncExternalStore(onStored, current);
}
