import { ActionList } from '@hauban/shared/api';
import type { HttpApp } from '../http/index.ts';
import type { ActionsService } from './actions.service.ts';

export function actionRoutes(app: HttpApp, { actions }: { readonly actions: ActionsService }): void {
  app.get(
    '/api/actions',
    {
      config: { access: 'signed-in', needs: 'none' },
      schema: {
        summary: 'Every action, with the schema of its arguments',
        tags: ['runs'],
        response: { 200: ActionList },
      },
    },
    async () => actions.list(),
  );
}
