import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { toApiError } from '../api/api-error.ts';
import { visibleLine } from '../format/visible-text.ts';
import { texts } from '../texts/index.ts';
import { LogoMark } from './logo.tsx';
import { Mark, type Tone } from './mark.tsx';
import './notices.css';

/** A sentence that matters, with its tone. `bad` and `warn` are read out at once by a screen reader. */
export function Notice({
  tone,
  children,
  foot,
}: {
  readonly tone: Tone;
  readonly children: ReactNode;
  readonly foot?: ReactNode;
}) {
  return (
    <div className="hb-notice" data-tone={tone} role={tone === 'bad' ? 'alert' : 'status'}>
      <span className="hb-notice-mark">
        <Mark tone={tone} word="" />
      </span>
      <div className="hb-grow">
        {children}
        {foot === undefined ? null : <div className="hb-notice-foot">{foot}</div>}
      </div>
    </div>
  );
}

/** A failure as one sentence with its code; a button where trying again can help. */
export function ErrorNotice({
  error,
  onRetry,
  what,
}: {
  readonly error: unknown;
  readonly onRetry?: () => void;
  readonly what?: string;
}) {
  const { code, detail, requestId, isRetryable } = toApiError(error);
  const foot = (
    <span className="hb-row">
      <span className="hb-mono">{texts.errors.code(code)}</span>
      {requestId === undefined ? null : <span className="hb-mono">{texts.errors.request(requestId)}</span>}
    </span>
  );
  return (
    <Notice tone="bad" foot={foot}>
      <div className="hb-row hb-spread">
        <span className="hb-foreign">
          {what === undefined ? null : `${texts.errors.whileLoading(what)}: `}
          {visibleLine(detail)}
        </span>
        {onRetry !== undefined && isRetryable ? (
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            {texts.errors.tryAgain}
          </Button>
        ) : null}
      </div>
    </Notice>
  );
}

/** Nothing here yet: what it means and what to do. */
export function EmptyState({
  title,
  children,
  action,
}: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}) {
  return (
    <div className="hb-empty">
      <LogoMark sizePx={40} />
      <h2>{title}</h2>
      {children === undefined ? null : <p>{children}</p>}
      {action}
    </div>
  );
}

export function Loading({ text = texts.words.loading }: { readonly text?: string }) {
  return (
    <div className="hb-loading" role="status">
      <Mark tone="busy" word={text} />
    </div>
  );
}

interface QueryLike<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

/** Loading, failure or content of one query. What was read before stays on screen when a later reading fails. */
export function QueryView<T>({
  query,
  what,
  children,
}: {
  readonly query: QueryLike<T>;
  readonly what?: string;
  readonly children: (data: T) => ReactNode;
}) {
  const notice =
    query.error === null || query.error === undefined ? null : (
      <ErrorNotice error={query.error} {...(what === undefined ? {} : { what })} onRetry={() => void query.refetch()} />
    );
  if (query.data === undefined) return notice ?? <Loading />;
  return (
    <>
      {notice}
      {children(query.data)}
    </>
  );
}
