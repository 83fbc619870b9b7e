import { z } from 'zod';

/**
 * What a process of the house tells the supervisor that started it, over Node's IPC channel (`process.send`). A process
 * that has such a channel also ends itself, as on SIGTERM, when the channel is cut (`process.on('disconnect')`): that is
 * how it learns that the supervisor was killed.
 */
export const childMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    /** Of the API: where it really listens. */
    url: z.string().optional(),
    /** Of a worker: the execution provider its engines run on. */
    device: z.string().optional(),
    /** Sentences for the person who started it. */
    notices: z.array(z.string()).optional(),
  }),
  /** It cannot do its work and is about to end; `message` is the sentence to show. */
  z.object({ type: z.literal('failed'), message: z.string() }),
]);
export type ChildMessage = z.infer<typeof childMessageSchema>;
