import type {
  FailureGroup,
  MergedPlan,
  RunChange,
  RunChangeRequest,
  RunDetail,
  RunGrid,
  RunRetryRequest,
  RunTargetPage,
  RunTargetQuery,
  TargetsReply,
  TargetsRequest,
} from '@hauban/shared/api';
import { path, type Verbs } from './request.ts';

/** What people do to a run that they have started. */
export type RunVerb = 'pause' | 'resume' | 'cancel' | 'undo';

/** Calls about runs over many nodes. */
export const runCalls = ({ get, post }: Pick<Verbs, 'get' | 'post'>) => ({
  previewTargets: (body: TargetsRequest) => post<TargetsReply>(path('runs', 'targets'), body),
  runGrid: (id: string) => get<RunGrid>(path('runs', id, 'grid')),
  runStates: (id: string) => get<RunGrid>(path('runs', id, 'grid'), { part: 'states' }),
  runTargets: (id: string, query: RunTargetQuery) => get<RunTargetPage>(path('runs', id, 'targets'), query),
  runFailures: (id: string) => get<FailureGroup[]>(path('runs', id, 'failures')),
  runPlan: (id: string) => get<MergedPlan>(path('runs', id, 'plan')),
  changeRun: (id: string, verb: RunVerb, body: RunChangeRequest) => post<RunChange>(path('runs', id, verb), body),
  retryRun: (id: string, body: RunRetryRequest) => post<RunDetail>(path('runs', id, 'retry'), body),
});
