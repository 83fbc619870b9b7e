import { execFileSync } from 'node:child_process';

/** A Python that reads YAML: Debian's docker-compose comes with one. `undefined` where there is none. */
const python = ['/usr/bin/python3', 'python3'].find((program) => {
  try {
    execFileSync(program, ['-c', 'import yaml'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

export const readsYaml = python !== undefined;

/** All documents of a YAML text. */
export function parseYaml(text: string): unknown[] {
  if (python === undefined) throw new Error('There is no Python with a YAML parser.');
  const script = 'import json, sys, yaml; json.dump([d for d in yaml.safe_load_all(sys.stdin) if d], sys.stdout)';
  return JSON.parse(execFileSync(python, ['-c', script], { input: text }).toString()) as unknown[];
}
