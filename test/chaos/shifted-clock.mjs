// Loaded into every process of a house before its own code: the clock goes wrong by as many milliseconds as a file says.
import { readFileSync } from 'node:fs';

const TrueDate = Date;
const LOOK_MS = 50;
let shift = 0;

function look() {
  try {
    shift = Number(readFileSync(process.env.CHAOS_CLOCK, 'utf8')) || 0;
  } catch {
    // no file: the clock is right
  }
}

globalThis.Date = class Date extends TrueDate {
  constructor(...given) {
    if (given.length === 0) super(TrueDate.now() + shift);
    else super(...given);
  }
  static now() {
    return TrueDate.now() + shift;
  }
};
look();
setInterval(look, LOOK_MS).unref();
