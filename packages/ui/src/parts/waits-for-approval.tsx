import { Link } from '@tanstack/react-router';
import { paths } from '../paths.ts';
import { texts } from '../texts/index.ts';
import { Notice } from './notices.tsx';

/** No fault: people have to say yes first. Says so, and where they do. */
export function WaitsForApproval({ text }: { readonly text: string }) {
  return (
    <Notice tone="warn">
      <div className="hb-row hb-spread">
        <span>{text}</span>
        <Link to={paths.approvals}>{texts.approvals.toPage}</Link>
      </div>
    </Notice>
  );
}
