import { once } from 'node:events';
import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { BATCH_EVENTS } from '../../../src/contracts/http-events.ts';
import { eventually } from './running-api.ts';

type EventName = keyof typeof BATCH_EVENTS;
type EventData<Name extends EventName> = z.infer<(typeof BATCH_EVENTS)[Name]>;

interface ReadEvent {
  readonly name: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** Reads an event stream as the specification says, one block at a time, and keeps what a browser would. */
export class EventReader {
  readonly response: IncomingMessage;
  readonly events: ReadEvent[] = [];
  readonly comments: string[] = [];
  retry: number | undefined;
  lastEventId: string | undefined;
  /** `undefined` while it is open. */
  ending: 'ended' | 'cut' | undefined;
  readonly #request: ClientRequest;
  #rest = '';

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#take(text));
    response.on('end', () => (this.ending ??= 'ended'));
    response.on('error', () => (this.ending ??= 'cut'));
    response.on('close', () => (this.ending ??= 'cut'));
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const request = get(url, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new EventReader(request, response);
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  /** Data of all events of a name so far, each of the documented shape. */
  all<Name extends EventName>(name: Name): EventData<Name>[] {
    const schema: z.ZodType = BATCH_EVENTS[name];
    return this.events.filter((event) => event.name === name).map(({ data }) => schema.parse(data) as EventData<Name>);
  }

  /** Final word on every photo it was told of. */
  photos(): Map<number, string> {
    const snapshot = this.all('snapshot').flatMap(({ photos }) => photos);
    return new Map([...snapshot, ...this.all('photo')].map(({ index, status }) => [index, status]));
  }

  /** Whether any photo was ever told to be so: on a busy machine the word after may come with it. */
  wasTold(wanted: string): boolean {
    const told = [...this.all('snapshot').flatMap(({ photos }) => photos), ...this.all('photo')];
    return told.some(({ status }) => status === wanted);
  }

  async until(condition: (reader: this) => boolean): Promise<void> {
    await eventually(() => {
      if (!condition(this)) throw new Error(`only ${JSON.stringify(this.events.map(({ name }) => name))} so far`);
    });
  }

  leave(): void {
    this.#request.destroy();
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) this.#takeBlock(block);
  }

  #takeBlock(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const at = line.indexOf(':');
      if (at === 0) this.comments.push(line);
      else fields.set(line.slice(0, at), line.slice(at + 1).replace(/^ /, ''));
    }
    if (fields.has('retry')) this.retry = Number(fields.get('retry'));
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    const data = fields.get('data');
    if (data === undefined) return;
    this.events.push({ name: fields.get('event') ?? 'message', id: fields.get('id'), data: JSON.parse(data) });
  }
}
