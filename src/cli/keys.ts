import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { keysFileSchema, SCOPES, tenantName, type KeysFile, type Scope } from '../contracts/api-keys.ts';
import { DarkroomError } from '../contracts/errors.ts';
import type { Invocation } from './invocation.ts';

/** `darkroom keys …`: the file of keys that a running API reads again within a second of every change. */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** 160 bits: nobody finds one by trying. */
const SECRET_CHARACTERS = 32;
const ID_CHARACTERS = 8;

export interface NewKey {
  readonly tenant: string;
  readonly scopes: readonly string[];
}

/** Makes a key and prints it, this once: only its hash is kept. */
export async function createKey({ tenant, scopes }: NewKey, { loaded, terminal }: Invocation): Promise<number> {
  const name = tenantName.safeParse(tenant);
  if (!name.success) throw new DarkroomError('invalid_request', `--tenant ${name.error.issues[0]?.message ?? ''}.`);
  const chosen = scopes.map(requireScope);
  const { KEYS_FILE } = loaded.config;
  const { keys } = await readKeys(KEYS_FILE);
  const id = `k-${letters(ID_CHARACTERS)}`;
  const key = `dk_${letters(SECRET_CHARACTERS)}`;
  const sha256 = createHash('sha256').update(key, 'utf8').digest('hex');
  await writeKeys(KEYS_FILE, { keys: [...keys, { id, tenant, scopes: chosen, sha256, createdAt: Date.now() }] });
  terminal.line(`${id}: a key of ${tenant} that may ${chosen.join(', ')}. It is shown this once:`);
  process.stdout.write(`${key}\n`);
  return 0;
}

export async function listKeys({ loaded }: Invocation): Promise<number> {
  for (const { id, tenant, scopes, createdAt, revokedAt } of (await readKeys(loaded.config.KEYS_FILE)).keys) {
    const since = new Date(createdAt).toISOString().slice(0, 10);
    const state = revokedAt === undefined ? 'good' : `revoked ${new Date(revokedAt).toISOString().slice(0, 10)}`;
    process.stdout.write(`${id}  ${tenant.padEnd(20)} ${scopes.join(',').padEnd(28)} ${since}  ${state}\n`);
  }
  return 0;
}

/** What is revoked stays in the file, so that its last key does not open the server to everybody. */
export async function revokeKey(id: string, { loaded, terminal }: Invocation): Promise<number> {
  const { KEYS_FILE } = loaded.config;
  const { keys } = await readKeys(KEYS_FILE);
  const known = keys.find((key) => key.id === id);
  if (!known)
    throw new DarkroomError('not_found', `There is no key ${JSON.stringify(id)}; darkroom keys list names them.`);
  const revokedAt = known.revokedAt ?? Date.now();
  await writeKeys(KEYS_FILE, { keys: keys.map((key) => (key.id === id ? { ...key, revokedAt } : key)) });
  terminal.line(`${id} of ${known.tenant} is revoked; a running API refuses it within a second.`);
  return 0;
}

function requireScope(given: string): Scope {
  const scope = SCOPES.find((known) => known === given);
  if (!scope) {
    throw new DarkroomError('invalid_request', `--scope ${JSON.stringify(given)} is none of ${SCOPES.join(', ')}.`);
  }
  return scope;
}

async function readKeys(file: string): Promise<KeysFile> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { keys: [] };
  try {
    return keysFileSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new DarkroomError('invalid_request', `${file} is no file of keys; nothing was changed.`, { cause: error });
  }
}

/** Whole or not at all, and for its owner alone. */
async function writeKeys(file: string, content: KeysFile): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  await chmod(temporary, 0o600);
  await rename(temporary, file);
}

const letters = (count: number): string => Array.from(randomBytes(count), (byte) => ALPHABET[byte & 31]).join('');
