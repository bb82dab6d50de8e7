import { parseArgs } from 'node:util';
import { systemClock, systemRandom } from '@hauban/link';
import { JoinTokenRequest } from '@hauban/shared/api';
import { HaubanError } from '@hauban/shared/errors';
import Value from 'typebox/value';
import { loadControllerConfig } from '../config.ts';
import { createEnrolmentRepository } from '../enrolment/enrolment.repository.ts';
import { createJoinTokensService } from '../enrolment/join-tokens.service.ts';
import { auditOf } from './command-parts.ts';
import { loadIdentity } from './load-identity.ts';
import { publicUrlOf } from './public-url.ts';
import { say } from './standard-output.ts';
import { withDatabase } from './with-database.ts';

function parseJoinOptions(args: readonly string[]): JoinTokenRequest {
  const { values } = parseArgs({
    args: [...args],
    options: {
      role: { type: 'string', multiple: true },
      label: { type: 'string', multiple: true },
      uses: { type: 'string' },
      minutes: { type: 'string' },
      'host-name': { type: 'string' },
    },
  });
  const labels = (values.label ?? []).map((label) => {
    const at = label.indexOf('=');
    if (at < 1) throw new HaubanError('BAD_REQUEST', `--label must be name=value, not ${JSON.stringify(label)}.`);
    return [label.slice(0, at), label.slice(at + 1)] as const;
  });
  const request = {
    ...(values.role === undefined ? {} : { roles: values.role }),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    ...(values.uses === undefined ? {} : { uses: Number(values.uses) }),
    ...(values.minutes === undefined ? {} : { minutes: Number(values.minutes) }),
    ...(values['host-name'] === undefined ? {} : { hostName: values['host-name'] }),
  };
  if (Value.Check(JoinTokenRequest, request)) return request;
  const error = [...Value.Errors(JoinTokenRequest, request)][0];
  throw new HaubanError(
    'BAD_REQUEST',
    `join-token: ${error?.instancePath.slice(1) ?? 'an option'} ${error?.message ?? 'does not fit'}.`,
  );
}

export async function joinToken(args: readonly string[]): Promise<void> {
  const request = parseJoinOptions(args);
  const config = loadControllerConfig(process.env);
  await withDatabase(config.databaseUrl, async (database) => {
    const identity = await loadIdentity(config, database);
    const joinTokens = createJoinTokensService({
      repository: createEnrolmentRepository(database),
      audit: auditOf(database),
      transaction: database.transaction,
      clock: systemClock,
      random: systemRandom,
      linkKey: () => identity.key.publicText,
      publicUrl: publicUrlOf(config, config.port),
    });
    say((await joinTokens.make(request, { name: 'system', address: null })).token);
  });
}
