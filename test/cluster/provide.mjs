import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, Trouble } from '../../scripts/command.mjs';
import { provideS3Server } from '../../scripts/s3-server.mjs';
import { provideTemporalServer } from '../../scripts/temporal-server.mjs';
import { findPostgres } from './postgres.mjs';

/** What is needed besides the package; said in one sentence when it is missing. */
export async function provide() {
  const built = async (path) => await import(pathToFileURL(join(root, 'dist', path)).href);
  const { config, environment } = (await built('load-config.js')).loadConfig(process.env);
  const { provideProgram } = await built('temporal/provide-temporal.js');
  const given = { environment, platform: process.platform, architecture: process.arch };
  const { program } = await provideProgram(config.CACHE_DIR, { ...given, signal: new AbortController().signal });
  const postgresBin = findPostgres();
  if (postgresBin === undefined)
    throw new Trouble('There is no PostgreSQL: install it (`apt-get install postgresql`).');
  const temporalServer = await provideTemporalServer(config.CACHE_DIR);
  const s3Server = await provideS3Server(config.CACHE_DIR);
  if (temporalServer === undefined || s3Server === undefined) throw new Trouble('The cluster needs both servers.');
  return { postgresBin, temporalServer, s3Server, temporalCli: program, packageDir: root };
}
