import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Member } from './member.mjs';
import { ADDRESSES, PORTS } from './places.mjs';

/** The database of the cluster: started, given Temporal's schemas, saved and brought back as an operator does it. */

const DATABASES = ['temporal', 'temporal_visibility'];

/** As the user `postgres` when we are root, which PostgreSQL refuses to be. */
function postgresUser() {
  if (process.getuid?.() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
}

/** Debian keeps PostgreSQL's programs out of the way, by version. */
export function findPostgres() {
  const places = '/usr/lib/postgresql';
  const versions = existsSync(places) ? readdirSync(places).sort((left, right) => Number(right) - Number(left)) : [];
  return versions.map((version) => join(places, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

export async function startPostgres({ folder, logs, postgresBin, password }) {
  const data = join(folder, 'postgres');
  const user = postgresUser();
  mkdirSync(data, { mode: 0o700 });
  const passwordFile = join(folder, 'postgres-password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user.uid !== undefined) for (const path of [data, passwordFile]) chownSync(path, user.uid, user.gid);
  const init = ['-D', data, '-U', 'temporal', '-A', 'scram-sha-256', '--pwfile', passwordFile];
  execFileSync(join(postgresBin, 'initdb'), init, { ...user, cwd: data, stdio: 'ignore' });
  const member = new Member({
    name: 'postgres',
    logs,
    program: join(postgresBin, 'postgres'),
    args: ['-D', data, '-h', ADDRESSES.postgres, '-p', String(PORTS.postgres), '-k', data],
    cwd: data,
    ...user,
    ready: () => {
      execFileSync(join(postgresBin, 'pg_isready'), ['-h', ADDRESSES.postgres, '-p', String(PORTS.postgres), '-q']);
      return true;
    },
  });
  await member.start();
  return member;
}

export function makeSchemas({ temporalServer: { sqlTool, schemas } }, password) {
  const common = ['--plugin', 'postgres12', '--ep', ADDRESSES.postgres, '-p', String(PORTS.postgres), '-u', 'temporal'];
  const env = { ...process.env, SQL_PASSWORD: password };
  for (const [database, schema] of [
    ['temporal', 'temporal'],
    ['temporal_visibility', 'visibility'],
  ]) {
    const tool = (...args) => execFileSync(sqlTool, [...common, '--db', database, ...args], { env, stdio: 'pipe' });
    tool('create');
    tool('setup-schema', '-v', '0.0');
    tool('update-schema', '-d', join(schemas, schema, 'versioned'));
  }
}

/** As docs/operations.md says. @returns the files, by database */
export function dump({ postgresBin, folder }, password) {
  return DATABASES.map((database) => {
    const file = join(folder, `${database}.dump`);
    ask(postgresBin, password, 'pg_dump', '-Fc', '-f', file, database);
    return file;
  });
}

/** As on a new server. */
export function drop({ postgresBin }, password) {
  for (const database of DATABASES) ask(postgresBin, password, 'dropdb', '--force', database);
}

export function restore(parts, password, files) {
  drop(parts, password);
  for (const [index, database] of DATABASES.entries()) {
    ask(parts.postgresBin, password, 'createdb', database);
    ask(parts.postgresBin, password, 'pg_restore', '--exit-on-error', '-d', database, files[index]);
  }
}

function ask(postgresBin, password, program, ...args) {
  const where = ['-h', ADDRESSES.postgres, '-p', String(PORTS.postgres), '-U', 'temporal'];
  execFileSync(join(postgresBin, program), [...where, ...args], {
    env: { ...process.env, PGPASSWORD: password },
    stdio: 'pipe',
  });
}
