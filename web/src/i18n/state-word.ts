import type { Messages } from './en.ts';

type State = keyof Messages['job']['states'];

/** The word for a batch state of the API; a state that this page does not know yet is shown as it came. */
export const stateWord = (messages: Messages, state: string): string =>
  Object.hasOwn(messages.job.states, state) ? messages.job.states[state as State] : state;
