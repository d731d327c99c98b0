import { lazy, Suspense, useEffect, useMemo, useState, type ReactNode } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { ChatPage } from './chat/chat-page.tsx';
import { readSettings, type Settings } from './settings.ts';
import { ErrorBoundary } from './shell/error-boundary.tsx';
import { SignedIn } from './shell/signed-in.tsx';
import { useTheme } from './shell/theme.ts';
import { useIdentity } from './shell/use-identity.ts';
import { keepIdentity } from './sign-in/identity.ts';
import { SignIn } from './sign-in/sign-in.tsx';
import { loadOverlaysSoon } from './ui/lazy-overlays.tsx';
import { Notice } from './ui/notice.tsx';
import { Toasts } from './ui/toasts.tsx';

const AdminPage = lazy(async () => ({ default: (await import('./admin/admin-page.tsx')).AdminPage }));

export function App() {
  useTheme();
  useEffect(loadOverlaysSoon, []);
  const settings = useMemo(readSettings, []);
  return (
    <>
      <ErrorBoundary>
        <Pages settings={settings} />
      </ErrorBoundary>
      <Toasts />
    </>
  );
}

function Pages({ settings }: { settings: Settings }) {
  const identity = useIdentity();
  const [path] = useLocation();
  const isBack = path === '/sign-in' && new URLSearchParams(location.search).has('state');
  const [problem, setProblem] = useState<string>();
  if (isBack && settings.oidc !== undefined && problem === undefined)
    return <Returning settings={settings} onProblem={setProblem} />;
  if (identity === undefined) return <SignIn settings={settings} problem={problem} />;
  return (
    <SignedIn identity={identity} settings={settings}>
      <Rooms />
    </SignedIn>
  );
}

/** Back from the provider of identities. */
function Returning({ settings, onProblem }: { settings: Settings; onProblem: (problem: string) => void }): ReactNode {
  const [, navigate] = useLocation();
  useEffect(() => {
    const here = new URL(location.href);
    const take = async (): Promise<void> => {
      if (settings.oidc === undefined) return;
      const { comeBack } = await import('./sign-in/oidc.ts');
      const { identity, path } = await comeBack(settings.oidc, here);
      keepIdentity(identity);
      navigate(path, { replace: true });
    };
    take().catch((error: unknown) => onProblem(error instanceof Error ? error.message : String(error)));
  }, [settings, navigate, onProblem]);
  return <Notice title="Signing in…" busy />;
}

function Rooms() {
  return (
    <Suspense fallback={<Notice title="Loading…" busy />}>
      <Switch>
        <Route path="/admin/:view?/:id?">
          {({ view, id }: { view?: string; id?: string }) => <AdminPage view={view} id={id} />}
        </Route>
        <Route path="/s/:session/:view?/:id?">
          {({ session, view, id }: { session: string; view?: string; id?: string }) => (
            <ChatPage sessionId={session} view={view} id={id} />
          )}
        </Route>
        <Route>
          <ChatPage />
        </Route>
      </Switch>
    </Suspense>
  );
}
