import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { EmptyState, ErrorNotice } from '../parts/notices.tsx';
import { Page } from '../parts/page.tsx';
import { paths } from '../paths.ts';
import { texts } from '../texts/index.ts';

export function PageNotFound() {
  return (
    <Page title={texts.errors.notFoundTitle} isNarrow>
      <EmptyState title={texts.errors.notFoundTitle} action={<Link to={paths.fleet}>{texts.errors.toFleet}</Link>}>
        {texts.errors.notFoundText}
      </EmptyState>
    </Page>
  );
}

/** A fault of the page itself, or a part of it that could not be loaded (a new version was put in place). */
export function PageFault({ error }: { readonly error: unknown }) {
  return (
    <Page title={texts.errors.pageFault} heading={texts.app.name} isNarrow>
      <p>{texts.errors.pageFault}</p>
      <ErrorNotice error={error} />
      <div>
        <Button onClick={() => location.reload()}>{texts.errors.reload}</Button>
      </div>
    </Page>
  );
}
