import { z } from 'zod';

/** What is said about the restoring of faces: in recipes, and where the networks are listed. */

/** Why a face was left as the network made it. */
export const FACE_SKIP_REASONS = [
  'too_small',
  'detailed_already',
  'turned_away',
  'too_many',
  'not_alike',
  'broken_answer',
] as const;
export type FaceSkipReason = (typeof FACE_SKIP_REASONS)[number];

/** What became of the faces of one photo. */
export const facesMadeSchema = z.object({
  /** The face restorer; null when there was none to use. */
  restorer: z.string().nullable(),
  fidelity: z.number(),
  found: z.int(),
  restored: z.int(),
  /** Of those restored, how many only in part, because the restored face was not quite like the original. */
  softened: z.int(),
  skipped: z.array(z.object({ reason: z.enum(FACE_SKIP_REASONS), faces: z.int() })),
  /** Why faces were not looked for, though that was not asked for. */
  note: z.string().nullable(),
});
export type FacesMade = z.infer<typeof facesMadeSchema>;

/** For the log, `/health`, the list of models and the page: empty when faces are restored. */
export const faceNotices = (roles: readonly string[]): string[] =>
  roles.includes('face-detector') && roles.includes('face-restorer')
    ? []
    : ['Faces are not restored: no face restorer is installed. `darkroom models pull yunet gfpgan-v1.4` installs one.'];
