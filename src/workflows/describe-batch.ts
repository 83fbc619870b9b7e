import type { BatchProgress } from '../contracts/progress.ts';

const SENTENCES: Record<BatchProgress['state'], string> = {
  running: 'Enhancing photos.',
  paused: 'Paused: photos under way finish, no other starts. Send `resume` to go on.',
  cancelling: 'Being cancelled: waiting until the photos under way have stopped.',
  cancelled: 'Cancelled. What was finished is kept.',
  completed: 'Every photo is done.',
  partial_completed: 'Done, but some photos failed. Send the batch to `/api/resume-operation` to try those again.',
  failed: 'No photo could be enhanced.',
};

/** The batch in plain words (Markdown), for the workflow's page in Temporal's Web UI. */
export function describeBatch(progress: BatchProgress): string {
  const { total, completed, failed, inFlight, eta, state, round } = progress;
  const lines = [
    `**${completed} of ${total}** ${total === 1 ? 'photo' : 'photos'} done` +
      (failed > 0 ? `, **${failed} failed**` : '') +
      (inFlight > 0 ? `, ${inFlight} under way` : '') +
      '.',
    SENTENCES[state],
  ];
  if (eta !== null && eta > 0) lines.push(`About ${inWords(eta)} to go.`);
  if (round > 0) lines.push(`Round ${round + 1}.`);
  return lines.join('\n\n');
}

function inWords(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
