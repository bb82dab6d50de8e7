import { createPeople } from '../compose-people.ts';
import { loadControllerConfig } from '../config.ts';
import { sharedOf } from './command-parts.ts';
import { publicUrlOf } from './public-url.ts';
import { say } from './standard-output.ts';
import { withDatabase } from './with-database.ts';

export async function setupLink(): Promise<void> {
  const config = loadControllerConfig(process.env);
  const publicUrl = publicUrlOf(config, config.port);
  await withDatabase(config.databaseUrl, async (database) => {
    const { setup } = createPeople(sharedOf(database), database, publicUrl);
    if (!(await setup.state()).needed) {
      say(`The first account exists already; sign in at ${publicUrl.origin}.`);
      return;
    }
    const link = new URL('/setup', publicUrl);
    link.searchParams.set('token', await setup.makeToken());
    say(link.href);
  });
}
