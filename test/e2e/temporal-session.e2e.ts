// Property: every `temporal` command in docs/04-temporal.md does what that page says, as it stands there, with the program that
// Darkroom itself fetched. RECORD_SESSION=1 keeps commands and answers as docs/temporal-session.md.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchCreatedSchema, photosAddedSchema } from '../../src/contracts/http-batches.ts';
import { loadConfig } from '../../src/load-config.ts';
import { provideProgram } from '../../src/temporal/provide-temporal.ts';
import { House, packageDir, possible } from './house.ts';
import { crops } from './photos.ts';
import { waitFor } from './processes.ts';
import { Visitor } from './visitor.ts';

const PAGE = join(packageDir, 'docs/04-temporal.md');
const RECORDING = join(packageDir, 'docs/temporal-session.md');
const PHOTOS = 8;

/** What the answer to each documented command must hold; a command that is not here has no place on the page. */
const ANSWERS: readonly (readonly [command: RegExp, answer: RegExp])[] = [
  [/workflow list/, /Running\s+BATCH_ID\s+enhanceBatch/],
  [/workflow describe/, /WorkflowId\s+BATCH_ID.*Type\s+enhanceBatch.*StaticSummary/s],
  [/query .*BATCH_ID .*progress/, /"state":\s*"running".*"total":\s*8/s],
  [/query .*BATCH_ID .*photos/, /"photoId":\s*"BATCH_ID\.0"/],
  [/update .*pause/, /changed:true.* state:paused/s],
  [/update .*setMaxWorkers/, /changed:true.* maxWorkers:8/s],
  [/update .*cancelPhotos/, /changed:true.* failed:2/s],
  [/update .*retryFailed/, /changed:(?:true|false) progress:/],
  [/signal .*(?:setPriority|resume|seal)/, /Signal workflow succeeded/],
  [/workflow cancel/, /cancel/i],
  [/query .*ROLLBACK_ID .*progress/, /"?counts"?:/],
  [/result .*ROLLBACK_ID/, /"?state"?:\s*"?completed/],
];

/** Lines of the page's section that are commands, put-together again where they go over several. */
async function documented(): Promise<string[]> {
  const page = await readFile(PAGE, 'utf8');
  const section = page.slice(page.indexOf('## With the `temporal` command')).split('\n## ')[0] ?? '';
  const blocks = [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block ?? '');
  return blocks.flatMap((block) => block.split('\n')).filter((line) => line.startsWith('temporal '));
}

describe.skipIf(!possible)('the documented `temporal` commands', () => {
  let house: House;
  let visitor: Visitor;
  let program: string;
  let address: string;
  const session: { command: string; answer: string }[] = [];

  beforeAll(async () => {
    house = await House.start();
    visitor = new Visitor(house.url);
    ({ program } = await provideProgram(loadConfig(process.env).config.CACHE_DIR, {
      environment: process.env,
      platform: process.platform,
      architecture: process.arch,
      signal: AbortSignal.timeout(60_000),
    }));
    address = JSON.parse(await readFile(join(house.dataDir, 'run/darkroom.json'), 'utf8')).temporalAddress;
  });
  afterAll(async () => await house?.close());

  /** An open batch, so that it does not end before its time. */
  async function openBatch(): Promise<string> {
    const order = { open: true, max_workers: 1, options: { quality_level: 'fast' } };
    const created = await visitor.send('POST', '/api/v1/batches', order);
    const { batch_id: batchId } = batchCreatedSchema.parse(await created.json());
    const added = await visitor.post(`/api/v1/batches/${batchId}/photos`, 'files', await crops(PHOTOS, 720, 540));
    expect(photosAddedSchema.parse(await added.json()).count).toBe(PHOTOS);
    await visitor.until(batchId, 'its start', ({ status }) => status === 'processing');
    return batchId;
  }

  /** Runs a line of the page in a shell in which `temporal` is the program of Darkroom. */
  async function run(line: string): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)(
      '/bin/sh',
      ['-c', `temporal() { "$PROGRAM" "$@"; }; ${line}`],
      {
        env: { ...process.env, PROGRAM: program, TEMPORAL_ADDRESS: address, NO_COLOR: '1' },
      },
    );
    return `${stdout}${stderr}`.trim();
  }

  it('work as they stand on the page', async () => {
    const batchId = await openBatch();
    let rollbackId = '';
    const name = (text: string): string =>
      text.replaceAll(batchId, 'BATCH_ID').replaceAll(rollbackId || '-', (id) => (rollbackId ? 'ROLLBACK_ID' : id));
    const lines = await documented();
    expect(lines.length).toBeGreaterThanOrEqual(ANSWERS.length);
    for (const line of lines) {
      const [, answer] = ANSWERS.find(([command]) => command.test(line)) ?? [];
      if (answer === undefined) throw new Error(`no answer is known for the documented command: ${line}`);
      if (line.includes('ROLLBACK_ID') && rollbackId === '') {
        await visitor.until(batchId, 'the end of the cancel', ({ status }) => status === 'cancelled');
        rollbackId = (await visitor.rollBack(batchId)).operation_id;
      }
      const command = line.replaceAll('BATCH_ID', batchId).replaceAll('ROLLBACK_ID', rollbackId);
      // Lists lag behind by a moment, and a rollback answers once a worker has taken it up.
      let told = '';
      await waitFor(`the answer to ${line}`, 30_000, async () => {
        told = await run(command);
        return answer.test(name(told)) || line.includes('update') ? true : undefined;
      }).catch(() => undefined);
      expect(name(told), line).toMatch(answer);
      session.push({ command, answer: told });
    }
    expect(await visitor.batch(batchId)).toMatchObject({ status: expect.stringMatching(/cancelled|rolled_back/) });
    if (process.env['RECORD_SESSION'] === '1') await record(session);
  });
});

async function record(session: readonly { command: string; answer: string }[]): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  const text = [
    '# A session with the `temporal` command',
    '',
    `The commands of [4. Temporal](04-temporal.md) as they were run on ${day} against a batch of ${PHOTOS} photos, written by`,
    '`RECORD_SESSION=1 npm run test:e2e -- temporal-session`.',
    '',
    ...session.flatMap(({ command, answer }) => [
      '```console',
      `$ ${command}`,
      ...answer.split('\n').map((line) => line.trimEnd()),
      '```',
      '',
    ]),
  ].join('\n');
  await writeFile(RECORDING, text);
}
