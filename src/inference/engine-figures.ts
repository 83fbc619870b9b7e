import type { Verdicts } from './precision.ts';
import type { FromEngine } from './protocol.ts';

type Pulse = Extract<FromEngine, { type: 'pulse' }>;
type OfProcess = Pick<Pulse, 'memoryBytes' | 'networkMs' | 'resident'>;
const NO_PULSE: OfProcess = { memoryBytes: 0, networkMs: 0, resident: [] };

/**
 * What the engines of one lane say of themselves, each in its pulses. What a process holds ends with it; what it learnt about the
 * machine counts for those after it too.
 */
export class EngineFigures {
  #pulse = NO_PULSE;
  #networkMsBefore = 0;
  #measured: Pulse['measured'] = {};
  #speeds: Pulse['speeds'] = {};
  #verdicts: Verdicts = {};

  hear(pulse: Pulse): void {
    this.#pulse = pulse;
    this.#speeds = { ...this.#speeds, ...pulse.speeds };
    this.#verdicts = { ...pulse.verdicts, ...this.#verdicts };
    this.#measured = { ...pulse.measured, ...this.#measured };
  }

  /** The process is gone, and its memory with it. */
  processEnded(): void {
    this.#networkMsBefore += this.#pulse.networkMs;
    this.#pulse = NO_PULSE;
  }

  /** Of the process; 0 while there is none. */
  get memoryBytes(): number {
    return this.#pulse.memoryBytes;
  }
  /** Models that the process has in memory. */
  get resident(): readonly string[] {
    return this.#pulse.resident;
  }
  /** Time spent in networks, over all processes. */
  get networkMs(): number {
    return this.#networkMsBefore + this.#pulse.networkMs;
  }
  /** By model: memory that a window's pixel takes here, in bytes. The first measurement counts, so that all engines cut alike. */
  get measured(): Readonly<Record<string, number>> {
    return this.#measured;
  }
  /** By model: milliseconds of the network for a pixel of a window; the latest counts. */
  get speeds(): Readonly<Record<string, number>> {
    return this.#speeds;
  }
  /** On networks in 8 bits; the first counts, for the same reason. */
  get verdicts(): Verdicts {
    return this.#verdicts;
  }
}
