/**
 * What the bench measures, in the order of the page. A section is an object:
 *
 * - `name`, `title`, `about`: for the command line, and as Markdown for the page: what is compared with what, and how;
 * - `settings`: what it can be told, with what it does when it is not told;
 * - `needs(settings)`: what is missing on this machine, in a sentence; absent where nothing can be;
 * - `run(settings)`: one round, as rows of measurements (see book.mjs);
 * - `plots(lines)`, `reading(lines)`: pictures by file name, and what the figures say, as Markdown. Both may be absent.
 */
import { cold } from './cold.mjs';
import { curves } from './curves.mjs';
import { graphs } from './graphs.mjs';
import { limit } from './limit.mjs';
import { overhead } from './overhead.mjs';
import { overtaking } from './overtaking.mjs';
import { peers } from './peers.mjs';
import { start } from './start.mjs';
import { table } from './table.mjs';

export const SECTIONS = [limit, peers, graphs, table, start, cold, overhead, curves, overtaking];
