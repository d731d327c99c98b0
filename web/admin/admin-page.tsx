import { useMemo } from 'react';
import { Link } from 'wouter';
import { Operator } from '../../client/admin/index.ts';
import { OperatorProvider } from '../../client/react/admin.ts';
import { ErrorBoundary } from '../shell/error-boundary.tsx';
import { MyMenu } from '../shell/my-menu.tsx';
import { useMe } from '../shell/signed-in.tsx';
import { Icon, Wheel, type IconName } from '../ui/icon.tsx';
import { AnalyticsPage } from './analytics/analytics-page.tsx';
import { AuditPage } from './audit-page.tsx';
import { BecomeOperator } from './become-operator.tsx';
import { LettersPage } from './letters/letters-page.tsx';
import { LogPage } from './log-page.tsx';
import { OverviewPage } from './overview/overview-page.tsx';

interface View {
  path: string;
  label: string;
  icon: IconName;
}

const VIEWS: readonly View[] = [
  { path: '', label: 'Overview', icon: 'flow' },
  { path: 'dead-letters', label: 'Dead letters', icon: 'warning' },
  { path: 'analytics', label: 'Analytics', icon: 'chart' },
  { path: 'audit', label: 'Audit', icon: 'check' },
  { path: 'log', label: 'Log', icon: 'clock' },
];

/** What operators see and do (contract §8), at /admin. */
export function AdminPage({ view = '', id }: { view?: string | undefined; id?: string | undefined }) {
  const { isAdmin, getToken } = useMe();
  const operator = useMemo(() => new Operator({ url: location.origin, getToken }), [getToken]);
  return (
    <div className="admin">
      <header className="admin-head">
        <Link href="/" className="brand">
          <Wheel />
          Millrace
        </Link>
        <nav aria-label="Administration">
          {VIEWS.map(({ path, label, icon }) => (
            <Link
              key={path}
              href={path === '' ? '/admin' : `/admin/${path}`}
              className="admin-tab"
              aria-current={path === view ? 'page' : undefined}
            >
              <Icon name={icon} />
              {label}
            </Link>
          ))}
        </nav>
        <MyMenu />
      </header>
      <main className="admin-main">
        <ErrorBoundary key={view}>
          {isAdmin ? (
            <OperatorProvider operator={operator}>
              <ViewOf view={view} id={id} />
            </OperatorProvider>
          ) : (
            <BecomeOperator />
          )}
        </ErrorBoundary>
      </main>
    </div>
  );
}

function ViewOf({ view, id }: { view: string; id: string | undefined }) {
  if (view === 'dead-letters') return <LettersPage openId={id} />;
  if (view === 'analytics') return <AnalyticsPage />;
  if (view === 'audit') return <AuditPage sessionId={id} />;
  if (view === 'log') return <LogPage />;
  return <OverviewPage />;
}
