import { EmptyState } from '../../parts/notices.tsx';
import { ForeignBlock } from '../../parts/foreign-text.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.policy;

/** The node's policy file as the node shows it; only the node can change it. */
export function PolicyTab({ text }: { readonly text: string }) {
  if (text === '') return <EmptyState title={t.title}>{t.empty}</EmptyState>;
  return (
    <div className="hb-stack">
      <p className="hb-page-lead">{t.text}</p>
      <ForeignBlock text={text} label={t.title} />
    </div>
  );
}
