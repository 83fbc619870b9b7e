/** Temporary files are named after the process that writes them, so that the next one can tell those of the dead. */
export interface Writer {
  readonly host: string;
  readonly pid: number;
}

const MARK = '~';
const placeOf = ({ host }: Writer): string => host.replaceAll(/[^A-Za-z0-9_-]/g, '-');

export const temporaryName = (writer: Writer, nonce: string): string => [placeOf(writer), writer.pid, nonce].join(MARK);

/** Whether another process of this host made the name and is gone. Of processes of other hosts nothing can be known. */
export function isOfTheDead(name: string, writer: Writer): boolean {
  const [place, pid] = name.split(MARK);
  return place === placeOf(writer) && /^\d+$/.test(pid ?? '') && !isAlive(Number(pid));
}

/** Whether a process of this host runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
