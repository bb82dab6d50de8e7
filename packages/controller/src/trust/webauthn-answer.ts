import { HaubanError } from '@hauban/shared/errors';
import { checkAssertion, parseWith, toBase64Url, type Assertion, type Bundle } from '@hauban/shared/protocol';

type Json = Readonly<Record<string, unknown>>;
const asObject = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/** What the browser gave for `navigator.credentials.get`, as the assertion of this person. Nothing is verified here. */
export function parseAnswer(answer: unknown, operator: string): Assertion {
  const { id, response } = asObject(answer);
  const { authenticatorData, clientDataJSON, signature } = asObject(response);
  const value = { operator, credential: id, authenticatorData, clientDataJSON, signature };
  const parsed = parseWith(checkAssertion, value);
  if (parsed.ok) return parsed.value;
  throw new HaubanError('APPROVAL_MALFORMED', `This is no answer of a passkey: ${parsed.problem}.`);
}

/** Options for `navigator.credentials.get`: the hash of what is approved is the challenge. */
export function requestOptions(bundle: Bundle, personId: string, challenge: Uint8Array): object {
  const person = bundle.operators.find(({ id }) => id === personId);
  if (person === undefined || person.credentials.length === 0)
    throw new HaubanError('APPROVAL_OPERATOR', 'The policy bundle lists no passkey of this account.');
  return {
    challenge: toBase64Url(challenge),
    rpId: bundle.rpId,
    allowCredentials: person.credentials.map(({ id }) => ({ id, type: 'public-key' })),
    userVerification: 'required',
    timeout: 5 * 60_000,
  };
}
