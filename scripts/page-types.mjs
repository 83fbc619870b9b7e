import { createRequire } from 'node:module';
import { run } from 'vue-tsc';

/**
 * Checks the types of the page, templates included. `vue-tsc` teaches a compiler written in JavaScript to read `.vue` files, and
 * the TypeScript of this repository is none: until it has a door for that, its last JavaScript edition does this one check.
 */

const require = createRequire(import.meta.url);
process.argv.splice(2, Number.POSITIVE_INFINITY, '--noEmit', '--project', 'web/tsconfig.json');
run(require.resolve('@typescript/typescript6/lib/tsc.js'));
