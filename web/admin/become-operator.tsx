import { useMe } from '../shell/signed-in.tsx';
import { keepIdentity } from '../sign-in/identity.ts';
import { Notice } from '../ui/notice.tsx';

/** Who is here without the scope: on a local run it is there for the taking, elsewhere it comes with the token. */
export function BecomeOperator() {
  const { identity } = useMe();
  return (
    <Notice title="This is for operators">
      {identity.kind === 'local' ? (
        <>
          <p>On a local run whoever sits at this machine may operate it.</p>
          <button
            type="button"
            className="button"
            data-kind="primary"
            onClick={() => keepIdentity({ ...identity, scope: 'admin' }, true)}
          >
            Operate as {identity.name}
          </button>
        </>
      ) : (
        <p>Your token has no scope admin. Sign in with one that has.</p>
      )}
    </Notice>
  );
}
