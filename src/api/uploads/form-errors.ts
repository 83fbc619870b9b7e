import { MulterError } from 'multer';
import { DarkroomError } from '../../contracts/errors.ts';
import { quote } from '../check-input.ts';

/** What can be wrong with a form, in the codes of the error table. */

export interface FormLimits {
  /** The field that photos come in. */
  readonly field: string;
  readonly maxFiles: number;
  readonly maxFileBytes: number;
}

export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

export const unexpectedField = (name: string, limits: FormLimits): DarkroomError =>
  new DarkroomError(
    'malformed_multipart',
    `The form has a file in field ${quote(name)}, but photos belong in "${limits.field}".`,
    { fields: [{ pointer: name, detail: `Photos belong in "${limits.field}".` }] },
  );

export const tooLarge = ({ maxFileBytes }: FormLimits): DarkroomError =>
  new DarkroomError('file_too_large', `A photo may have ${maxFileBytes} bytes at most.`);

/** What busboy and multer find wrong with a form is the client's fault; errors of the store keep their own codes. */
export function asFormError(error: unknown, limits: FormLimits): unknown {
  if (error instanceof DarkroomError) return error;
  if (!(error instanceof MulterError)) return new DarkroomError('malformed_multipart', undefined, { cause: error });
  switch (error.code) {
    case 'LIMIT_FILE_SIZE':
      return tooLarge(limits);
    case 'LIMIT_FILE_COUNT':
      return new DarkroomError(
        limits.maxFiles === 1 ? 'malformed_multipart' : 'too_many_files',
        `One form may hold ${limits.maxFiles === 1 ? 'one photo' : `${limits.maxFiles} photos`} at most.`,
        { cause: error },
      );
    case 'LIMIT_PART_COUNT':
      return new DarkroomError('too_many_parts', undefined, { cause: error });
    default:
      return error.code === 'LIMIT_FIELD_COUNT'
        ? new DarkroomError('too_many_parts', undefined, { cause: error })
        : new DarkroomError('malformed_multipart', `The form could not be read: ${error.message}.`, { cause: error });
  }
}
