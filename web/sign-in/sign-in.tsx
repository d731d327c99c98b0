import { useState, type FormEvent } from 'react';
import { useLocation } from 'wouter';
import { userOf } from '../../client/react/index.ts';
import type { Settings } from '../settings.ts';
import { Wheel } from '../ui/icon.tsx';
import { keepIdentity } from './identity.ts';

/** How one becomes somebody here: by a name on a local run, by the provider, or by a token made elsewhere. */
export function SignIn({ settings, problem }: { settings: Settings; problem?: string | undefined }) {
  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <header>
          <Wheel />
          <h1>Millrace</h1>
          <p>Conversations that answer at once, and keep every word.</p>
        </header>
        {problem !== undefined && (
          <p className="error" role="alert">
            {problem}
          </p>
        )}
        {settings.local && <ByName />}
        {settings.oidc !== undefined && <ByProvider settings={settings} />}
        <ByToken open={!settings.local && settings.oidc === undefined} />
      </div>
    </main>
  );
}

function ByName() {
  const [name, setName] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() !== '') keepIdentity({ kind: 'local', name: name.trim() });
  };
  return (
    <form onSubmit={submit}>
      <div className="field">
        <label htmlFor="name">Your name</label>
        <input
          id="name"
          className="input"
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={40}
          autoComplete="nickname"
          autoFocus
          required
        />
        <small>This is a local run: any name will do, and there is no password.</small>
      </div>
      <button className="button" data-kind="primary">
        Continue
      </button>
    </form>
  );
}

function ByProvider({ settings }: { settings: Settings }) {
  const [path] = useLocation();
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const leave = async (): Promise<void> => {
    if (settings.oidc === undefined) return;
    setBusy(true);
    try {
      const { leaveForProvider } = await import('./oidc.ts');
      await leaveForProvider(settings.oidc, path === '/sign-in' ? '/' : path);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" className="button" data-kind="primary" disabled={busy} onClick={() => void leave()}>
        Sign in with {new URL(settings.oidc?.issuer ?? location.origin).hostname}
      </button>
      {error !== undefined && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
    </>
  );
}

function ByToken({ open }: { open: boolean }) {
  const [token, setToken] = useState('');
  const [error, setError] = useState<string>();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const given = token.trim();
    if (userOf(given) === undefined) return setError('This is no token that says whose it is (a JWT with a subject).');
    keepIdentity({ kind: 'token', token: given });
  };
  return (
    <details open={open}>
      <summary>Use a token</summary>
      <form onSubmit={submit} className="token-form">
        <div className="field">
          <label htmlFor="token">Token</label>
          <input
            id="token"
            className="input"
            value={token}
            onChange={(event) => setToken(event.target.value)}
            autoComplete="off"
            spellCheck={false}
            aria-describedby="token-help"
            required
          />
          <small id="token-help">Locally, npm run token -- alice prints one. It is kept for this tab alone.</small>
        </div>
        {error !== undefined && (
          <p className="error" role="alert">
            {error}
          </p>
        )}
        <button className="button">Continue</button>
      </form>
    </details>
  );
}
