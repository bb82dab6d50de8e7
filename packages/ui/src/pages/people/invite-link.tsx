import type { InviteMade } from '@hauban/shared/api';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Notice } from '../../parts/notices.tsx';
import { RelativeTime } from '../../parts/time-text.tsx';
import { texts } from '../../texts/index.ts';

/** The link, shown once. */
export function InviteLink({ made }: { readonly made: InviteMade }) {
  return (
    <Notice tone="ok">
      <div className="hb-stack">
        <span>
          {texts.people.linkOnce} <RelativeTime at={made.expiresAt} />
        </span>
        <pre className="hb-block">{made.url}</pre>
        <CopyButton text={made.url} />
      </div>
    </Notice>
  );
}
