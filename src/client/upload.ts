import { askedWait, refusal, type Calls } from './calls.ts';

/** One photo by the tus protocol: in pieces, each going on where the server says that the last one ended. */

const TUS = { 'Tus-Resumable': '1.0.0' };
/** The media type of the protocol; `contracts/http-uploads.ts` has it too, beside schemas that a browser need not load. */
const UPLOAD_BYTES = 'application/offset+octet-stream';
const PIECE_BYTES = 8 * 1024 * 1024;
/** Pieces that brought nothing, one after the other. */
const STANDSTILLS = 5;
const WAIT_MS = 500;

/** @returns the upload's ID, for the source of a batch. */
export async function uploadPhoto(calls: Calls, name: string, photo: Blob): Promise<string> {
  const created = await calls.ask('/api/v1/uploads', {
    method: 'POST',
    headers: {
      ...TUS,
      'Upload-Length': String(photo.size),
      'Upload-Metadata': `filename ${inBase64(name)}`,
    },
  });
  const address = created.headers.get('location') ?? '';
  let [offset, standstills] = [0, 0];
  while (offset < photo.size) {
    const reached = await sendPiece(calls, address, photo, offset);
    standstills = reached > offset ? 0 : standstills + 1;
    if (standstills >= STANDSTILLS)
      throw new Error(`The upload of ${name} stands still at ${offset} of ${photo.size}.`);
    if (standstills > 0) await calls.pause(WAIT_MS * standstills);
    offset = reached;
  }
  return address.slice(address.lastIndexOf('/') + 1);
}

/** @returns how far the server is now, also after a connection that broke. */
async function sendPiece(calls: Calls, address: string, photo: Blob, offset: number): Promise<number> {
  const headers = { ...TUS, 'Content-Type': UPLOAD_BYTES, 'Upload-Offset': String(offset) };
  const body = photo.slice(offset, offset + PIECE_BYTES);
  const answer = await calls.once(address, { method: 'PATCH', headers, body }).catch(() => undefined);
  if (answer?.ok) return Number(answer.headers.get('upload-offset'));
  const mayPass = !answer || [408, 409, 429].includes(answer.status) || answer.status >= 500;
  if (!mayPass) throw await refusal(answer);
  await calls.pause(askedWait(answer) ?? 0);
  // One that was one too many is sent again as it was: to ask how far the server is would be one more.
  if (answer?.status === 429) return offset;
  const now = await calls.ask(address, { method: 'HEAD', headers: TUS });
  return Number(now.headers.get('upload-offset'));
}

const inBase64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
