import type { AuditState } from '@hauban/shared/api';
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { keys, useAuditState, useMe } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { visibleLine } from '../../format/visible-text.ts';
import { ErrorNotice, Notice } from '../../parts/notices.tsx';
import { texts } from '../../texts/index.ts';

const t = texts.audit;

function Finding({ finding }: { readonly finding: AuditState['findings'][number] }) {
  const { api } = useServices();
  const client = useQueryClient();
  const isOwner = useMe().data?.may.own === true;
  const acknowledge = useMutation({
    mutationFn: () => api.acknowledgeFinding(finding.id),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.auditState }),
  });
  const who = finding.nodeId === null ? t.keeperFile : visibleLine(finding.hostName ?? finding.nodeId, 100);
  return (
    <>
      <Notice tone="bad">
        <div className="hb-row hb-spread">
          <span className="hb-foreign">{t.findings[finding.kind](who, finding.seq)}</span>
          {isOwner ? (
            <Button
              size="compact-sm"
              variant="default"
              loading={acknowledge.isPending}
              onClick={() => acknowledge.mutate()}
            >
              {t.acknowledge}
            </Button>
          ) : null}
        </div>
      </Notice>
      {acknowledge.error === null ? null : <ErrorNotice error={acknowledge.error} />}
    </>
  );
}

/** What vouches for the log: warnings first, then how far it is signed. */
export function AuditStanding() {
  const { data } = useAuditState();
  if (data === undefined) return null;
  const { findings, witnesses, head, rows, key } = data;
  return (
    <div className="hb-stack">
      {findings.map((finding) => (
        <Finding key={finding.id} finding={finding} />
      ))}
      {witnesses.map(({ where, problem }) =>
        problem === null ? null : (
          <Notice key={where} tone="warn">
            {visibleLine(t.witnessProblem(where, problem), 300)}
          </Notice>
        ),
      )}
      <p className="hb-small hb-quiet">
        {head === null ? t.unsigned : t.signedUpTo(head.seq, rows)}
        {' · '}
        {t.key} <span className="hb-mono">{key}</span>
      </p>
    </div>
  );
}
