import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './command.mjs';

/** Files that say what the sources say already; made from the build, so that neither can drift from the other. */

const built = async (path) => await import(pathToFileURL(join(root, 'dist', path)).href);

async function generatedFiles() {
  const { SETTINGS } = await built('contracts/config.js');
  const { ERRORS } = await built('contracts/errors.js');
  return {
    '.env.example': environmentExample(SETTINGS),
    'docs/configuration.md': configurationPage(SETTINGS),
    'docs/errors.md': errorsPage(ERRORS),
    ...(await openApi()),
  };
}

function bySubject(settings) {
  const groups = {};
  for (const entry of Object.entries(settings)) (groups[entry[1].group] ??= []).push(entry);
  return Object.entries(groups);
}

function environmentExample(settings) {
  const lines = [
    '# Every setting with its default. Copy to .env and change what you need; the environment wins over .env.',
  ];
  for (const [subject, entries] of bySubject(settings)) {
    lines.push('', `# ${subject}`);
    for (const [name, { doc, default: fallback }] of entries) lines.push(`# ${doc}`, `#${name}=${fallback}`);
  }
  return `${lines.join('\n')}\n`;
}

function configurationPage(settings) {
  const lines = [
    '# Configuration',
    '',
    'Made from `src/contracts/config.ts` by `npm run generate`. Settings are environment variables; a file `.env` in the current',
    'directory is read too, and the environment wins over it. All faults are reported together when a process starts.',
  ];
  for (const [subject, entries] of bySubject(settings)) {
    lines.push('', `## ${subject}`, '', '| setting | default | meaning |', '| --- | --- | --- |');
    for (const [name, { doc, default: fallback }] of entries) {
      lines.push(`| \`${name}\` | ${fallback === '' ? '(empty)' : `\`${fallback}\``} | ${cell(doc)} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function errorsPage(errors) {
  const lines = [
    '# Errors',
    '',
    'Made from `src/contracts/errors.ts` by `npm run generate`. The API answers them as `application/problem+json` with the code',
    'in `code`; a failed photo of a batch carries the same code. "Again" tells whether the same call can succeed later.',
    '',
    '| code | status | what it means | what to do | again |',
    '| --- | --- | --- | --- | --- |',
  ];
  for (const [code, { status, title, hint, retryable }] of Object.entries(errors)) {
    lines.push(`| \`${code}\` | ${status} | ${cell(title)} | ${cell(hint)} | ${retryable ? 'yes' : 'no'} |`);
  }
  return `${lines.join('\n')}\n`;
}

const cell = (text) => text.replaceAll('|', '\\|');

async function openApi() {
  const { describeApi } = await built('api/openapi/document.js');
  const { ROUTES } = await built('api/routes.js');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { format, resolveConfig } = await import('prettier');
  const path = join(root, 'docs/openapi.json');
  const json = JSON.stringify(describeApi(ROUTES, version));
  return { 'docs/openapi.json': await format(json, { ...(await resolveConfig(path)), parser: 'json' }) };
}

/** @returns the paths of generated files that are not what the sources make of them. */
export async function staleFiles() {
  const stale = [];
  for (const [path, content] of Object.entries(await generatedFiles())) {
    const file = join(root, path);
    if (!existsSync(file) || readFileSync(file, 'utf8') !== content) stale.push(path);
  }
  return stale;
}

/** @returns the paths that were written. */
export async function writeGenerated() {
  const stale = await staleFiles();
  const files = await generatedFiles();
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), files[path]);
  }
  return stale;
}
