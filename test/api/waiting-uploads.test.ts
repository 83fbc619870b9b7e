import { expect, it } from 'vitest';
import { WaitingUploads } from '../../src/api/uploads/waiting-uploads.ts';

const nobody = (): Promise<undefined> => Promise.resolve(undefined);

it('bounds every tenant on its own', () => {
  const waiting = new WaitingUploads(2);
  waiting.add('u-1', 'alice');
  waiting.add('u-2', 'alice');
  expect(waiting.hasRoomFor('alice')).toBe(false);
  expect(waiting.hasRoomFor('bob')).toBe(true);
});

it('counts anew what is there, reads whose the unknown ones are, and keeps what comes meanwhile', async () => {
  const waiting = new WaitingUploads(2);
  waiting.add('u-gone', 'alice');
  waiting.add('u-here', 'alice');
  const asked: string[] = [];
  await waiting.recount(
    () => {
      waiting.add('u-new', 'bob');
      return Promise.resolve(['u-here', 'u-theirs', 'u-vanished']);
    },
    (uploadId) => {
      asked.push(uploadId);
      return Promise.resolve(uploadId === 'u-theirs' ? 'bob' : undefined);
    },
  );
  expect(asked).toEqual(['u-theirs', 'u-vanished']);
  expect(waiting.hasRoomFor('alice')).toBe(true);
  expect(waiting.hasRoomFor('bob')).toBe(false);
  await waiting.recount(() => Promise.resolve(['u-here']), nobody);
  expect(waiting.hasRoomFor('bob')).toBe(true);
});
