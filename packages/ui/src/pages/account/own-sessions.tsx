import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '../../api/hooks.ts';
import { useServices } from '../../api/services.ts';
import { ErrorNotice, QueryView } from '../../parts/notices.tsx';
import { SignInTable } from '../../parts/sign-in-table.tsx';
import { texts } from '../../texts/index.ts';

/** Where the reader is signed in. */
export function OwnSessions() {
  const { api } = useServices();
  const client = useQueryClient();
  const sessions = useQuery({ queryKey: keys.mySessions, queryFn: () => api.mySessions() });
  const end = useMutation({
    mutationFn: (id: string) => api.endMySession(id),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.mySessions }),
  });
  return (
    <section className="hb-stack">
      <h2 className="hb-section-title">{texts.signIns.title}</h2>
      {end.error === null ? null : <ErrorNotice error={end.error} />}
      <div className="hb-card">
        <QueryView query={sessions}>
          {(rows) => (
            <SignInTable
              rows={rows}
              busyId={end.isPending ? end.variables : undefined}
              onEnd={(id) => end.mutate(id)}
            />
          )}
        </QueryView>
      </div>
    </section>
  );
}
