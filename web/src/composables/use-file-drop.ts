import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue';
import { filesOf } from '../walk-folders.ts';

const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;

/** Files and folders dropped, and pictures pasted, anywhere on the page. @returns whether something hovers over it just now. */
export function useFileDrop(onFiles: (files: File[]) => void): Ref<boolean> {
  const hovering = ref(false);

  const over = (event: DragEvent): void => {
    if (!carriesFiles(event)) return;
    event.preventDefault(); // else the browser would open the file instead of the page
    hovering.value = true;
  };
  const leave = (event: DragEvent): void => {
    if (event.relatedTarget === null) hovering.value = false;
  };
  const drop = (event: DragEvent): void => {
    if (!carriesFiles(event) || event.dataTransfer === null) return;
    event.preventDefault();
    hovering.value = false;
    void filesOf(event.dataTransfer).then(onFiles);
  };
  const paste = (event: ClipboardEvent): void => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) onFiles(files);
  };

  onMounted(() => {
    window.addEventListener('dragover', over);
    window.addEventListener('dragleave', leave);
    window.addEventListener('drop', drop);
    window.addEventListener('paste', paste);
  });
  onBeforeUnmount(() => {
    window.removeEventListener('dragover', over);
    window.removeEventListener('dragleave', leave);
    window.removeEventListener('drop', drop);
    window.removeEventListener('paste', paste);
  });
  return hovering;
}
