import { texts } from '../texts/index.ts';
import { ErrorNotice, Notice } from './notices.tsx';
import { passkeyProblem } from './passkey-problem.ts';

/** Why an approval was not given: the passkey was not used, or the controller refused. Null: nothing to show. */
export function ApprovalProblem({ error }: { readonly error: unknown }) {
  if (error === null) return null;
  if (passkeyProblem(error) === null) return <ErrorNotice error={error} />;
  return <Notice tone="warn">{texts.approvals.passkeyUnused}</Notice>;
}
