import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react';
import { Millrace, type MillraceOptions, type UserAnswer } from '../../client/index.ts';
import { asMillraceError } from '../../client/error.ts';
import { MillraceProvider, scopesOf, userOf } from '../../client/react/index.ts';
import type { Settings } from '../settings.ts';
import { forgetIdentity, type Identity } from '../sign-in/identity.ts';
import { tokensOf } from '../sign-in/tokens.ts';
import { Notice } from '../ui/notice.tsx';

export interface Me {
  user: UserAnswer;
  /** may see what is under /admin, as the token says; the edge decides */
  isAdmin: boolean;
  identity: Identity;
  /** for clients beside that of the conversations */
  getToken: MillraceOptions['getToken'];
}

const MeContext = createContext<Me | undefined>(undefined);

/** Who uses this page; only below SignedIn. */
export function useMe(): Me {
  const me = use(MeContext);
  if (me === undefined) throw new Error('Nobody is signed in here.');
  return me;
}

interface Connected {
  client: Millrace;
  me: Me;
}

type State = { of: Identity } & ({ connected: Connected } | { error: string });

/** The client of whoever is signed in, for everything below. */
export function SignedIn({ identity, settings, children }: { identity: Identity; settings: Settings; children: ReactNode }) {
  const [state, setState] = useState<State>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let over = false;
    let client: Millrace | undefined;
    connect(identity, settings).then(
      (connected) => {
        ({ client } = connected);
        if (over) client.close();
        else setState({ of: identity, connected });
      },
      (error: unknown) => {
        if (!over) setState({ of: identity, error: asMillraceError(error).message });
      },
    );
    return () => {
      over = true;
      client?.close();
    };
  }, [identity, settings, attempt]);

  if (state?.of !== identity) return <Notice title="Signing in…" busy />;
  if ('error' in state) return <Refused error={state.error} onRetry={() => setAttempt(attempt + 1)} />;
  return <Below connected={state.connected}>{children}</Below>;
}

function Below({ connected: { client, me }, children }: { connected: Connected; children: ReactNode }) {
  return useMemo(
    () => (
      <MeContext value={me}>
        <MillraceProvider client={client}>{children}</MillraceProvider>
      </MeContext>
    ),
    [client, me, children],
  );
}

async function connect(identity: Identity, settings: Settings): Promise<Connected> {
  const getToken = tokensOf(identity, settings);
  const given = await getToken();
  const token = typeof given === 'string' ? given : given.token;
  const user = userOf(token);
  if (user === undefined) throw new Error('This token does not say whose it is.');
  let first: typeof given | undefined = given;
  const client = new Millrace({
    url: location.origin,
    // the one that was just asked for counts for the first request
    getToken: () => {
      const known = first;
      first = undefined;
      return known ?? getToken();
    },
    kept: { storage: localStorage, userId: user.id },
  });
  return { client, me: { user, isAdmin: scopesOf(token).includes('admin'), identity, getToken } };
}

function Refused({ error, onRetry }: { error: string; onRetry: () => void }) {
  return (
    <Notice title="You could not be signed in">
      <p role="alert">{error}</p>
      <button type="button" className="button" data-kind="primary" onClick={onRetry}>
        Try again
      </button>
      <button type="button" className="button" onClick={forgetIdentity}>
        Sign in another way
      </button>
    </Notice>
  );
}
