import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Trouble } from '../../scripts/command.mjs';
import { Link } from './link.mjs';
import { answers, Member, until } from './member.mjs';
import { ADDRESSES, NAMESPACE, PORTS } from './places.mjs';
import { makeSchemas, startPostgres } from './postgres.mjs';
import { temporalConfiguration } from './temporal-configuration.mjs';

/**
 * The topology of docker-compose.yml as processes of this machine, each on a loopback address of its own: PostgreSQL, a Temporal
 * server on it, an S3 server, two API processes, three workers. Nothing is shared but the network: every API process and every
 * worker has a data directory of its own.
 */

const secret = () => randomBytes(24).toString('hex');

/** @param parts programs (temporal server, its SQL tool and schemas, S3 server, CLI of Temporal), folder, package folder, cache */
export async function openCluster(parts) {
  const { folder } = parts;
  await requireFree();
  const logs = join(folder, 'logs');
  mkdirSync(logs, { recursive: true });
  chmodSync(folder, 0o755); // PostgreSQL runs as its own user
  const secrets = { postgres: secret(), s3: secret(), api: secret() };
  const postgres = await startPostgres({ ...parts, logs, password: secrets.postgres });
  makeSchemas(parts, secrets.postgres);
  const temporal = await startTemporal({ ...parts, logs, password: secrets.postgres });
  const store = await startStore({ ...parts, logs, secret: secrets.s3 });
  const settings = {
    TEMPORAL_ADDRESS: `${ADDRESSES.temporal}:${PORTS.temporal}`,
    TEMPORAL_NAMESPACE: NAMESPACE,
    STORE: 's3',
    S3_ENDPOINT: `http://${ADDRESSES.store}:${PORTS.store}`,
    S3_BUCKET: 'darkroom',
    S3_PATH_STYLE: 'true',
    AWS_ACCESS_KEY_ID: 'darkroom',
    AWS_SECRET_ACCESS_KEY: secrets.s3,
    API_KEYS: secrets.api,
    SOURCE_ROOTS: 'none',
    SHUTDOWN_GRACE_MS: '3000',
    HEARTBEAT_TIMEOUT_MS: '5000',
    ENGINE_THREADS: '1',
    LOG_LEVEL: 'info',
  };
  const ours = (name, command, env, ready) =>
    new Member({
      name,
      logs,
      program: process.execPath,
      // Without the command around it: a kill is to hit the process that works.
      args: [join(parts.packageDir, `dist/${command}/main.js`)],
      env: { ...settings, ...env, DATA_DIR: join(folder, name) },
      cwd: folder,
      ready,
    });
  const links = ADDRESSES.links.map((host, index) => {
    const [at, to] = [host, ADDRESSES.temporal].map((own) => ({ host: own, port: PORTS.temporal }));
    return new Link({ name: `link-${index + 1}`, at, to });
  });
  for (const link of links) await link.start();
  const workers = ADDRESSES.workers.map((address, index) => {
    const metrics = `${address}:${PORTS.metrics}`;
    return ours(
      `worker-${index + 1}`,
      'worker',
      { WORKER_METRICS_ADDRESS: metrics, TEMPORAL_ADDRESS: `${ADDRESSES.links[index]}:${PORTS.temporal}` },
      answers(`http://${metrics}/metrics`),
    );
  });
  const apis = ADDRESSES.apis.map((address, index) =>
    ours(
      `api-${index + 1}`,
      'api',
      { HOST: address, PORT: String(PORTS.api) },
      answers(`http://${address}:${PORTS.api}/livez`),
    ),
  );
  const members = { postgres, temporal, store, workers, apis, links };
  const close = async () => {
    for (const member of [...apis, ...workers, store, temporal]) await member.end();
    for (const link of links) await link.close();
    await postgres.end('SIGINT');
  };
  try {
    // One first: it registers the search attributes.
    for (const member of [...workers, ...apis]) await member.start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...members,
    settings,
    urls: ADDRESSES.apis.map((address) => `http://${address}:${PORTS.api}`),
    key: secrets.api,
    postgresPassword: secrets.postgres,
    bucketFolder: join(folder, 'buckets/darkroom'),
    /** All that the store keeps: the buckets, and what they say of their objects. */
    storeFolders: ['buckets', 'sidecar'].map((name) => join(folder, name)),
    close,
  };
}

async function startTemporal({ folder, logs, packageDir, temporalServer, temporalCli, password }) {
  const file = join(folder, 'temporal.yaml');
  const dynamicConfig = join(packageDir, 'deploy/temporal/dynamic-config.yaml');
  writeFileSync(file, temporalConfiguration({ addresses: ADDRESSES, ports: PORTS, password, dynamicConfig }), {
    mode: 0o600,
  });
  const member = new Member({
    name: 'temporal',
    logs,
    program: temporalServer.server,
    args: ['--config-file', file, '--allow-no-auth', 'start'],
    cwd: folder,
    ready: () => listening(ADDRESSES.temporal, PORTS.temporal),
  });
  await member.start();
  await makeNamespace(temporalCli);
  return member;
}

export async function makeNamespace(temporalCli) {
  const address = `${ADDRESSES.temporal}:${PORTS.temporal}`;
  const create = ['operator', 'namespace', 'create', '-n', NAMESPACE, '--retention', '720h', '--address', address];
  await until('the namespace', 60_000, () => {
    execFileSync(temporalCli, create, { stdio: 'pipe' });
    return true;
  });
}

/** A member that an earlier run left behind would work in place of ours: nobody may be there yet. */
async function requireFree() {
  const places = [
    ...['postgres', 'temporal', 'store'].map((name) => [ADDRESSES[name], PORTS[name]]),
    ...ADDRESSES.apis.map((address) => [address, PORTS.api]),
    ...ADDRESSES.workers.map((address) => [address, PORTS.metrics]),
    ...ADDRESSES.links.map((address) => [address, PORTS.temporal]),
  ];
  const taken = await Promise.all(
    places.map(async ([host, port]) => ((await isFree(host, port)) ? [] : `${host}:${port}`)),
  );
  if (taken.flat().length === 0) return;
  throw new Trouble(
    `Something listens on ${taken.flat().join(', ')}: a run that goes on, or members an earlier one left behind.`,
  );
}

const isFree = (host, port) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host, port }, () => probe.close(() => resolve(true)));
  });

const listening = (host, port) =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

async function startStore({ folder, logs, s3Server, secret }) {
  for (const name of ['buckets/darkroom', 'sidecar']) mkdirSync(join(folder, name), { recursive: true });
  const posix = ['posix', '--sidecar', join(folder, 'sidecar'), join(folder, 'buckets')];
  const member = new Member({
    name: 'store',
    logs,
    program: s3Server,
    args: ['--port', `${ADDRESSES.store}:${PORTS.store}`, '--health', '/health', '--quiet', '--keep-alive', ...posix],
    env: { ROOT_ACCESS_KEY: 'darkroom', ROOT_SECRET_KEY: secret },
    cwd: folder,
    ready: answers(`http://${ADDRESSES.store}:${PORTS.store}/health`),
  });
  await member.start();
  return member;
}
