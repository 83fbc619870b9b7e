import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';
import { isOver } from './s3-errors.ts';

/** Ends uploads in parts that nobody completed: their parts are paid for, and no listing of objects shows them. */
export async function abortUploads(
  client: S3Client,
  { bucket, prefix, olderThanMs }: { bucket: string; prefix: string; olderThanMs: number },
): Promise<number> {
  let aborted = 0;
  let marker: { KeyMarker: string | undefined; UploadIdMarker: string | undefined } | undefined;
  do {
    const page = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker }));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if ((Initiated?.getTime() ?? Infinity) >= olderThanMs) continue;
      await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })).catch(ignoreEnded);
      aborted += 1;
    }
    marker =
      page.IsTruncated === true
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : undefined;
  } while (marker);
  return aborted;
}

function ignoreEnded(error: unknown): void {
  if (!isOver(error)) throw error;
}
