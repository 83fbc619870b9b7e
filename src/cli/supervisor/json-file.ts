import { open, readFile, rename } from 'node:fs/promises';
import type { z } from 'zod';

/** Writes a small JSON file so that a reader sees the old one or the new one, never half of it. */
export async function writeJson(path: string, content: unknown): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Reads what {@link writeJson} wrote; `undefined` when it is missing, damaged or of another shape. */
export async function readJson<T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T> | undefined> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
