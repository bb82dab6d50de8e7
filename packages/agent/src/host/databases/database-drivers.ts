/** Databases by the servers' own clients: SQL on standard input over the Unix socket; dumps by programs without privileges. */
import type {
  DatabaseEngine,
  DatabasePlace,
  DatabaseQueries,
  DatabaseResources,
  DatabaseTasks,
} from '@hauban/shared/actions';
import { HaubanError } from '@hauban/shared/errors';
import { checkWord } from '../check-word.ts';
import type { DriverParts, FamilyDrivers, ResourceDrivers } from '../drivers.ts';
import { isDatabaseName, oldOf, sideOf, USER_NAME, type DatabaseServer } from './database-server.ts';
import { createDumpFiles, workerDatabases, type DumpFiles } from './dump-files.ts';
import { createMariadb } from './mariadb-server.ts';
import { createPostgresql } from './postgresql-server.ts';

type Servers = Readonly<Record<DatabaseEngine, DatabaseServer>>;

function unknownId(id: string): HaubanError {
  return new HaubanError('ACTION_REFUSED', `${JSON.stringify(id.slice(0, 80))} names no database or user of hosting`);
}

const ENGINES = ['mariadb', 'postgresql'] as const;
const LIVES = ['original', 'restored'] as const;
const RIGHTS = ['all', 'read'] as const;
const BESIDE = ['side', 'old'] as const;
const isEngine = (text: string): text is DatabaseEngine => ENGINES.some((engine) => engine === text);

/** Ids come from orders and journals: nothing that is not of this form reaches a server. */
function parseId(id: string, isRest: (rest: readonly string[]) => boolean): [DatabaseEngine, ...string[]] {
  const [engine = '', ...rest] = id.split('/');
  if (!isEngine(engine) || !isRest(rest)) throw unknownId(id);
  return [engine, ...rest];
}

function parsePlace(id: string): DatabasePlace {
  const [engine, name = ''] = parseId(id, (rest) => rest.length === 1 && isDatabaseName(rest[0] ?? ''));
  return { engine, name };
}

function checkPlace(place: DatabasePlace): DatabasePlace {
  return parsePlace(`${place.engine}/${place.name}`);
}

function checkLogin(engine: DatabaseEngine, login: string): string {
  const user = engine === 'mariadb' ? (login.split('@')[0] ?? '') : login;
  if (!USER_NAME.test(user)) throw unknownId(login);
  return login;
}

function parseUser(id: string): { readonly engine: DatabaseEngine; readonly login: string } {
  const [engine, login = ''] = parseId(id, (rest) => rest.length === 1);
  return { engine, login: checkLogin(engine, login) };
}

function parseGrant(id: string): DatabasePlace & { readonly login: string } {
  const [engine, name = '', login = ''] = parseId(id, (rest) => rest.length === 2 && isDatabaseName(rest[0] ?? ''));
  return { engine, name, login: checkLogin(engine, login) };
}

function parseDump(id: string): DatabasePlace & { readonly label: string } {
  const [engine, name = '', label = ''] = parseId(id, (rest) => rest.length === 2 && isDatabaseName(rest[0] ?? ''));
  return { engine, name, label };
}

const notByHand = (id: string): HaubanError =>
  new HaubanError('ACTION_REFUSED', `${id}: only what is kept or given can be written`);

function liveResources(
  servers: Servers,
): Pick<ResourceDrivers<DatabaseResources>, 'database.live' | 'database.placed'> {
  return {
    'database.live': {
      async read(id) {
        const { engine, name } = parsePlace(id);
        const live = await servers[engine].live(name);
        return live === null ? null : { live };
      },
      async write(id, value) {
        const { engine, name } = parsePlace(id);
        if (value === null) throw notByHand(id);
        return servers[engine].swap(name, checkWord(value.live, LIVES));
      },
    },
    'database.placed': {
      async read(id) {
        const { engine, name } = parsePlace(id);
        return { live: (await servers[engine].live(name)) ?? 'original' };
      },
      async write(id, value) {
        const { engine, name } = parsePlace(id);
        if (value === null) throw notByHand(id);
        const side = checkWord(value.live, LIVES) === 'restored' ? await servers[engine].facts(sideOf(name)) : null;
        if (engine === 'mariadb' && side !== null && side.programs > 0)
          throw new HaubanError(
            'ACTION_REFUSED',
            `what was restored of ${name} holds views, triggers, routines or events, which MariaDB can not move`,
          );
        return servers[engine].swap(name, checkWord(value.live, LIVES));
      },
    },
  };
}

function createResources(servers: Servers, dumps: DumpFiles): ResourceDrivers<DatabaseResources> {
  return {
    'database.database': {
      async read(id) {
        const { engine, name } = parsePlace(id);
        return servers[engine].database(name);
      },
      async write(id, value) {
        const { engine, name } = parsePlace(id);
        if (value !== null) return servers[engine].createDatabase(name, value);
        const facts = await servers[engine].facts(name);
        // Customers may have put something into it since it was made.
        if (facts !== null && facts.tables + facts.programs > 0)
          throw new HaubanError('CHANGE_CONFLICT', `${name} is kept, because it holds ${facts.tables} tables`);
        return servers[engine].dropDatabase(name);
      },
    },
    'database.user': {
      async read(id) {
        const { engine, login } = parseUser(id);
        return servers[engine].user(login);
      },
      async write(id, value) {
        const { engine, login } = parseUser(id);
        return servers[engine].writeUser(login, value);
      },
    },
    'database.grant': {
      async read(id) {
        const { engine, name, login } = parseGrant(id);
        const rights = await servers[engine].rights(name, login);
        return rights === null ? null : { rights };
      },
      async write(id, value) {
        const { engine, name, login } = parseGrant(id);
        if (value?.rights === 'other') throw notByHand(id);
        return servers[engine].writeRights(name, login, value === null ? null : checkWord(value.rights, RIGHTS));
      },
    },
    'database.dump': {
      async read(id) {
        const { label, ...place } = parseDump(id);
        return (await dumps.facts(place, label)) === null ? null : { kept: true };
      },
      async write(id, value) {
        const { label, ...place } = parseDump(id);
        return value === null ? dumps.remove(place, label) : dumps.keep(servers[place.engine], place, label);
      },
    },
    'database.side': {
      async read(id) {
        const { engine, name } = parsePlace(id);
        const dump = await servers[engine].sideMark(name);
        return dump === null ? null : { dump };
      },
      async write(id, value) {
        const place = parsePlace(id);
        const server = servers[place.engine];
        if (value === null) return server.dropDatabase(sideOf(place.name));
        await server.createSide(place.name);
        await dumps.load(server, place, value.dump, sideOf(place.name));
        return server.markSide(place.name, value.dump);
      },
    },
    ...liveResources(servers),
  };
}

export function createDatabaseDrivers(
  parts: DriverParts,
): FamilyDrivers<DatabaseResources, DatabaseTasks, DatabaseQueries> {
  const servers: Servers = { mariadb: createMariadb(parts), postgresql: createPostgresql(parts) };
  const dumps = createDumpFiles(parts.files);
  return {
    resources: createResources(servers, dumps),
    tasks: {
      async 'database.keep-dump'({ label, ...rest }) {
        const place = checkPlace(rest);
        await dumps.keep(servers[place.engine], place, label);
      },
      async 'database.fill-if-empty'({ label, ...rest }) {
        const place = checkPlace(rest);
        const facts = await servers[place.engine].facts(place.name);
        if (facts?.tables !== 0 || (await dumps.facts(place, label)) === null) return;
        await dumps.load(servers[place.engine], place, label, place.name);
      },
      async 'database.clear'(rest) {
        const { engine, name } = checkPlace(rest);
        await servers[engine].clear(name);
      },
      async 'database.discard'({ which, ...rest }) {
        const { engine, name } = checkPlace(rest);
        await servers[engine].dropDatabase(checkWord(which, BESIDE) === 'side' ? sideOf(name) : oldOf(name));
      },
      async 'database.tidy'(rest) {
        const place = checkPlace(rest);
        const server = servers[place.engine];
        for (const database of workerDatabases(place.name)) await server.removeWorker(database);
        if ((await server.sideMark(place.name)) === null) await server.dropDatabase(sideOf(place.name));
        // Made for an exchange that did not come about.
        const isOriginal = (await server.live(place.name)) === 'original';
        if (isOriginal && (await server.facts(oldOf(place.name)))?.tables === 0)
          await server.dropDatabase(oldOf(place.name));
        await dumps.tidy(place);
      },
    },
    queries: {
      async 'database.facts'({ which, ...rest }) {
        const { engine, name } = checkPlace(rest);
        if (which === 'side' && (await servers[engine].sideMark(name)) === null) return null;
        const names = { live: name, side: sideOf(name), old: oldOf(name) };
        return servers[engine].facts(names[checkWord(which, ['live', ...BESIDE])]);
      },
      'database.user-databases': async ({ engine, user }) =>
        servers[checkWord(engine, ENGINES)].userDatabases(checkLogin(engine, user)),
      async 'database.dump-facts'({ label, ...rest }) {
        return dumps.facts(checkPlace(rest), label);
      },
      'database.dump-labels': async (place) => dumps.labels(checkPlace(place)),
      async 'database.placed-dump'(rest) {
        const { engine, name } = checkPlace(rest);
        return servers[engine].placedMark(name);
      },
      'database.list': async ({ engine }) => servers[checkWord(engine, ENGINES)].list(),
    },
  };
}
