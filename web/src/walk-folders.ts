/** Files of what was dropped, folders walked to their end; hidden files, which nobody means, are left out. */

/** More than this at once is not something to drop onto a page. */
const FILES_MOST = 20_000;

/** Must be called while the drop is handled: afterwards its items are gone. */
export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => (item.kind === 'file' ? item.webkitGetAsEntry() : null));
  const loose = [...transfer.files];
  const found: File[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry?.isDirectory === true) await walk(entry, found);
    else if (entry?.isFile === true) await takeFile(entry, found);
    else if (entry === null && loose[index] !== undefined) found.push(loose[index]);
  }
  return entries.length > 0 ? found : loose;
}

async function walk(folder: FileSystemEntry, found: File[]): Promise<void> {
  const reader = (folder as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader hands out a hundred at a time, and nothing when it is done.
    const batch = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (batch.length === 0 || found.length >= FILES_MOST) return;
    for (const entry of batch) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory) await walk(entry, found);
      else await takeFile(entry, found);
    }
  }
}

async function takeFile(entry: FileSystemEntry, found: File[]): Promise<void> {
  const file = await new Promise<File | undefined>((resolve) =>
    (entry as FileSystemFileEntry).file(resolve, () => resolve(undefined)),
  );
  if (file !== undefined && found.length < FILES_MOST) found.push(file);
}
