/** Error codes and the one error class. May import nothing. */
export { ERROR_CODES, isErrorCode, type ErrorCode, type ErrorInfo } from './codes.ts';
export { HaubanError, toErrorBody, type ErrorBody } from './hauban-error.ts';
