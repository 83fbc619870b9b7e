// Property: docker-compose.yml and the Kubernetes manifests are valid, pinned, without default secrets, and name only settings that exist.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseConfig, SETTING_NAMES } from '../../src/contracts/config.ts';
import { TASK_QUEUES } from '../../src/contracts/workflow-api.ts';
import { parseYaml, readsYaml } from './yaml.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const composes = spawnSync('docker-compose', ['version']).status === 0;
if (!composes) console.warn('There is no docker-compose: the tests of docker-compose.yml are skipped.');
if (!readsYaml) console.warn('There is no Python with a YAML parser: the tests of the deployment are skipped.');

const SECRETS = ['POSTGRES_PASSWORD', 'S3_ACCESS_KEY', 'S3_SECRET_KEY', 'API_KEYS'];
/** Read by libraries, by Node.js or by NVIDIA's runtime rather than by our configuration. */
const OTHERS = [/^AWS_/, /^NVIDIA_/, /^UV_THREADPOOL_SIZE$/];

const empty = mkdtempSync(join(tmpdir(), 'darkroom-compose-'));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

const compose = (secrets: readonly string[], ...args: string[]) => {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: empty,
    ...Object.fromEntries(secrets.map((name) => [name, `of-${name}`])),
  };
  return spawnSync('docker-compose', ['--project-directory', root, '-f', join(root, 'docker-compose.yml'), ...args], {
    env,
    encoding: 'utf8',
  });
};

const serviceSchema = z.looseObject({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  healthcheck: z.unknown().optional(),
  restart: z.string().optional(),
  read_only: z.boolean().optional(),
  user: z.string().optional(),
  command: z.unknown().optional(),
  ports: z.array(z.union([z.string(), z.looseObject({})])).optional(),
});

/** What an image is started with that is ours: every setting exists and the whole is valid. */
function requireSettings(environment: Record<string, string>): void {
  const unknown = Object.keys(environment).filter(
    (name) => !SETTING_NAMES.some((setting) => setting === name) && !OTHERS.some((other) => other.test(name)),
  );
  expect(unknown).toEqual([]);
  parseConfig(environment);
}

it('the proxy passes on the host as the browser named it, with its port: the page is of the same origin', () => {
  const conf = readFileSync(join(root, 'deploy/proxy/nginx.conf'), 'utf8');
  expect(conf.match(/proxy_set_header Host .*/g)).toEqual(['proxy_set_header Host $http_host;']);
});

describe.skipIf(!composes || !readsYaml)('docker-compose.yml', () => {
  const services = () => {
    const { status, stdout, stderr } = compose(SECRETS, 'config');
    expect(status, stderr).toBe(0);
    return z.object({ services: z.record(z.string(), serviceSchema) }).parse(parseYaml(stdout)[0]).services;
  };

  it('is valid, and every image is pinned', () => {
    for (const [name, { image }] of Object.entries(services())) {
      expect(image, name).toMatch(/:[^:]*\d+\.\d+/);
      expect(image, name).not.toMatch(/latest/);
    }
  });

  it.each(SECRETS)('has no default for %s', (missing) => {
    const { status, stderr } = compose(
      SECRETS.filter((name) => name !== missing),
      'config',
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain(missing);
  });

  it('runs ours without privileges, and whatever keeps running has a health check', () => {
    for (const [name, service] of Object.entries(services())) {
      if (service.restart !== undefined) expect(service.healthcheck, name).toBeDefined();
      if (!service.image.startsWith('darkroom')) continue;
      expect(service, name).toMatchObject({ read_only: true, user: '10001:10001', cap_drop: ['ALL'] });
      requireSettings(service.environment);
    }
  });

  it('has what it is to have, and shows nothing but the proxy and the Web UI, on this host only', () => {
    const all = services();
    expect(Object.keys(all)).toEqual(
      expect.arrayContaining([
        'api-1',
        'api-2',
        'proxy',
        'worker',
        'worker-gpu',
        'worker-autoscaled',
        'postgres',
        'temporal',
        'store',
      ]),
    );
    const shown = Object.entries(all).filter(([, { ports }]) => ports !== undefined);
    expect(shown.map(([name]) => name).sort()).toEqual(['proxy', 'temporal-ui']);
    for (const [, { ports }] of shown) expect(JSON.stringify(ports)).toContain('127.0.0.1');
  });
});

describe('the files around it', () => {
  it('name images and stages that are pinned, and end without privileges', () => {
    for (const name of ['Dockerfile', 'Dockerfile.gpu']) {
      const text = readFileSync(join(root, 'deploy', name), 'utf8');
      const images = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image ?? '');
      expect(images.length, name).toBeGreaterThan(1);
      for (const image of images) expect(image, name).toMatch(/:\d+\.\d+\.\d+/);
      expect(text.lastIndexOf('USER 10001:10001'), name).toBeGreaterThan(text.lastIndexOf('FROM'));
      for (const [, path] of text.matchAll(/^COPY --from=build \/opt\/darkroom\/(\S+)/gm)) {
        expect(['package.json', 'node_modules', 'dist', 'models', 'samples']).toContain(path);
      }
    }
  });

  it('are scripts that a shell can read', () => {
    for (const name of ['schema.sh', 'namespace.sh']) execFileSync('sh', ['-n', join(root, 'deploy/temporal', name)]);
  });
});

describe.skipIf(!readsYaml)('the Kubernetes manifests', () => {
  const documents = z
    .array(
      z.looseObject({
        kind: z.string(),
        metadata: z.looseObject({ name: z.string() }),
        spec: z.any().optional(),
        data: z.record(z.string(), z.string()).optional(),
      }),
    )
    .parse(readsYaml ? parseYaml(readFileSync(join(root, 'deploy/kubernetes/darkroom.yaml'), 'utf8')) : []);
  const deployments = documents.filter(({ kind }) => kind === 'Deployment');

  it('configure with settings that exist, and hold no secret', () => {
    const [config] = documents.filter(({ kind }) => kind === 'ConfigMap');
    requireSettings(config?.data ?? {});
    expect(documents.map(({ kind }) => kind)).not.toContain('Secret');
    for (const { spec } of deployments) {
      for (const container of spec.template.spec.containers) {
        requireSettings(
          Object.fromEntries(
            (container.env ?? []).map((one: { name: string; value: string }) => [one.name, one.value]),
          ),
        );
      }
    }
  });

  it('run without privileges and give workers time to drain', () => {
    expect(deployments.map(({ metadata }) => metadata.name)).toEqual(['api', 'worker']);
    for (const { spec } of deployments) {
      const pod = spec.template.spec;
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
      for (const container of pod.containers) {
        expect(container.securityContext).toMatchObject({
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
        });
        expect(container.readinessProbe).toBeDefined();
        expect(container.image).toMatch(/:\d+\.\d+\.\d+$/);
      }
      expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(parseConfig({}).SHUTDOWN_GRACE_MS + 5000);
    }
  });

  it('scale the workers by the queue of the photos', () => {
    const [scaled] = documents.filter(({ kind }) => kind === 'ScaledObject');
    expect(scaled?.spec.scaleTargetRef.name).toBe('worker');
    expect(scaled?.spec.triggers[0]).toMatchObject({
      type: 'temporal',
      metadata: { taskQueue: TASK_QUEUES.enhance, queueTypes: 'activity' },
    });
  });
});
