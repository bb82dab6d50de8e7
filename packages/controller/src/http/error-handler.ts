import { HaubanError, toErrorBody } from '@hauban/shared/errors';
import type { FastifyError, FastifyInstance, FastifySchemaValidationError } from 'fastify';

/** Where and why a request does not fit its schema; values are not repeated, they may be secret. */
export function describeMismatch(errors: readonly FastifySchemaValidationError[], part: string): string {
  const first = errors[0];
  const path = `${part}${(first?.instancePath ?? '').replaceAll('/', '.')}`;
  return `${path} ${first?.message ?? 'does not fit'}`;
}

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error && typeof (error as Partial<FastifyError>).code === 'string';

/** Everything that leaves a handler as one of our errors; what we do not know is a bug of ours. */
function toHaubanError(error: unknown): HaubanError {
  if (error instanceof HaubanError) return error;
  if (!isFastifyError(error)) return new HaubanError('INTERNAL', 'unexpected fault', { cause: error });
  if (error.validation !== undefined) return new HaubanError('BAD_REQUEST', error.message, { cause: error });
  const status = error.statusCode ?? 500;
  if (status === 413)
    return new HaubanError('PAYLOAD_TOO_LARGE', 'The request is larger than 1 MiB.', { cause: error });
  if (status >= 400 && status < 500) {
    return new HaubanError('BAD_REQUEST', 'The request cannot be read: send JSON with content-type application/json.', {
      cause: error,
    });
  }
  return new HaubanError('INTERNAL', 'unexpected fault', { cause: error });
}

/** One shape for every refusal and failure; a stack or a database's words never leave the process. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (error, request, reply) => {
    const known = toHaubanError(error);
    if (known.info.http >= 500) request.log.error({ err: error, code: known.code }, 'request failed');
    else request.log.info({ code: known.code }, 'request refused');
    return reply.code(known.info.http).type('application/json').send(toErrorBody(known, request.id));
  });
}
