import { Command, InvalidArgumentError, Option } from 'commander';
import { addOptionFlags, askedOptions } from './enhance/option-flags.ts';
import type { Invocation } from './invocation.ts';

/** Runs a command with what the process was given. */
export type Run = (command: (invocation: Invocation) => Promise<number>) => Promise<void>;

/** Every command with its words; what they do is loaded when it is asked for. */
export function defineCommands(version: string, run: Run): Command {
  const program = new Command('darkroom')
    .description('Enhances photographs in batches, never loses one, and can undo what it did.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)');
  program.configureHelp({ showGlobalOptions: false });
  addEnhance(program, run);
  addOperations(program, run);
  addHouse(program, run);
  addModels(program, run);
  addKeys(program, run);
  program.addHelpText('after', EXAMPLES);
  return program;
}

const EXAMPLES = `
Examples:
  darkroom enhance photos --out better      copies of better photos in a folder
  darkroom enhance s3://bucket/2026 --out better   photos of a bucket, with the credentials of the environment
  darkroom enhance photos --in-place        better photos instead of the originals, which are kept
  darkroom history                          what was done, with the IDs
  darkroom rollback b-20261122-120934-k7m2x9qfab`;

interface EnhanceFlags {
  readonly out?: string;
  readonly inPlace?: true;
  readonly json?: boolean;
}

const json = (): Option => new Option('--json', 'print one JSON object on standard output at the end');

function addEnhance(program: Command, run: Run): void {
  program.commandsGroup('Photos:');
  const enhance = program
    .command('enhance')
    .description('enhance photos and folders of photos; run again after an interruption it goes on where it was')
    .argument('<paths...>', 'photos, or folders that are searched for photos; also of buckets: s3://bucket/folder')
    .option(
      '--out <folder>',
      'put copies of the results there, or into s3://bucket/folder; the originals are not touched',
    )
    .addOption(
      new Option(
        '--in-place',
        'replace the originals, which are kept: `darkroom rollback ID` brings them back',
      ).conflicts('out'),
    )
    .addOption(json());
  addOptionFlags(enhance);
  addPlan(program, run);
  enhance.action(async (paths: string[], { out, inPlace, json = false }: EnhanceFlags) => {
    if (out === undefined && inPlace === undefined)
      enhance.error("error: say where the results go: '--out <folder>' or '--in-place'");
    const request = { paths, out, options: askedOptions(enhance), json };
    await run(async (given) => await (await import('./enhance/enhance.ts')).enhance(request, given));
  });
}

function addPlan(program: Command, run: Run): void {
  const plan = program
    .command('plan')
    .description('what enhance would do with these photos, and how long it would take; starts nothing')
    .argument('<paths...>', 'photos, or folders that are searched for photos; also of buckets: s3://bucket/folder')
    .addOption(json());
  addOptionFlags(plan);
  plan.action(async (paths: string[], { json = false }: { json?: boolean }) => {
    const request = { paths, options: askedOptions(plan), json };
    await run(async (given) => await (await import('./plan.ts')).plan(request, given));
  });
}

function addOperations(program: Command, run: Run): void {
  program.commandsGroup('What was done:');
  program
    .command('history')
    .description('list batches and rollbacks, newest first; needs nothing that runs')
    .option('--limit <count>', 'how many', parseLimit, 20)
    .addOption(new Option('--kind <kind>', 'only these').choices(['batch', 'rollback']))
    .addOption(json())
    .action(async ({ limit, kind, json = false }: { limit: number; kind?: 'batch' | 'rollback'; json?: boolean }) => {
      const request = { limit, kind, json };
      await run(async (given) => await (await import('./history/history.ts')).history(request, given));
    });
  program
    .command('rollback')
    .description('undo batches: results are removed, originals that were replaced come back byte for byte')
    .argument('<ids...>', 'IDs of batches, as `darkroom history` lists them')
    .option('--photo <ids...>', 'undo only these photos of them (ID.0 is the first one)')
    .addOption(json())
    .action(async (operationIds: string[], { photo, json = false }: { photo?: string[]; json?: boolean }) => {
      const order = { operationIds, photoIds: photo, json };
      await run(async (given) => await (await import('./rollback/rollback.ts')).rollBack(order, given));
    });
  program
    .command('resume')
    .description('go on with a paused batch, or do the failed and missing photos of an ended one again')
    .argument('<id>', 'ID of the batch')
    .action(async (id: string) => await run(async (given) => await (await import('./resume.ts')).resume(id, given)));
  program
    .command('pause')
    .description('begin no further photo of a batch that is under way')
    .argument('<id>', 'ID of the batch')
    .action(async (id: string) => await run(async (given) => await (await import('./control.ts')).pause(id, given)));
  program
    .command('cancel')
    .description('end a batch that is under way; what is finished stays')
    .argument('<id>', 'ID of the batch')
    .action(async (id: string) => await run(async (given) => await (await import('./control.ts')).cancel(id, given)));
}

const MOST_LISTED = 1000;

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MOST_LISTED) throw new InvalidArgumentError(`It must be from 1 to ${MOST_LISTED}.`);
  return limit;
}

function addHouse(program: Command, run: Run): void {
  program.commandsGroup('The house:');
  program
    .command('start', { isDefault: true })
    .description('start everything on this machine: Temporal, a worker, the API and the page; Ctrl-C ends it')
    .action(async () => await run(async (given) => await (await import('./start.ts')).start(given)));
  program
    .command('doctor')
    .description('look at everything that work needs, here and in a Darkroom that runs; each finding says what to do')
    .option('--golden', 'also send a photo through the living chain and look at the result')
    .option('--json', 'print the findings as one JSON object')
    .action(async ({ golden = false, json = false }: { golden?: boolean; json?: boolean }) => {
      await run(async (given) => await (await import('./doctor/doctor.ts')).doctor({ golden, json }, given));
    });
  program.helpCommand('help [command]', 'explain a command');
  for (const name of ['worker', 'api'] as const) {
    program
      .command(name)
      .description(`run one ${name} process in the foreground, against the Temporal server of the configuration`)
      .action(async () => {
        await run(async (given) => await (await import('./run-process.ts')).runProcess(name, given));
      });
  }
}

function addModels(program: Command, run: Run): void {
  const models = program.command('models').description('list, fetch and check the networks that do the work');
  models
    .command('list')
    .description('what there is, and what of it is installed')
    .action(async () => await run(async (given) => await (await import('./models.ts')).listModels(given)));
  models
    .command('pull')
    .description('fetch and install models')
    .argument('[names...]', 'the models of a plain start when none is named')
    .action(async (names: string[]) => {
      await run(async (given) => await (await import('./models.ts')).pullModels(names, given));
    });
  models
    .command('verify')
    .description('check installed models down to the picture they make')
    .argument('[names...]', 'all that are installed when none is named')
    .action(async (names: string[]) => {
      await run(async (given) => await (await import('./models.ts')).verifyModels(names, given));
    });
}

function addKeys(program: Command, run: Run): void {
  const keys = program.command('keys').description('make, list and revoke the keys of the API (KEYS_FILE)');
  keys
    .command('create')
    .description('make a key and print it, this once; a running API knows it within a second')
    .requiredOption('--tenant <name>', 'whose it is: photos and batches of one tenant are unknown to the others')
    .option('--scope <scopes...>', 'what it may do: read, submit, control, admin (all of it)', [
      'read',
      'submit',
      'control',
    ])
    .action(async ({ tenant, scope }: { tenant: string; scope: string[] }) => {
      await run(async (given) => await (await import('./keys.ts')).createKey({ tenant, scopes: scope }, given));
    });
  keys
    .command('list')
    .description('the keys there are, by name; never the keys themselves')
    .action(async () => await run(async (given) => await (await import('./keys.ts')).listKeys(given)));
  keys
    .command('revoke')
    .description('refuse a key from now on')
    .argument('<id>', 'as `darkroom keys list` names it')
    .action(async (id: string) => await run(async (given) => await (await import('./keys.ts')).revokeKey(id, given)));
}
