/**
 * Gives each file of a folder a stem that no other one has, capital letters not counted. It remembers the next number of
 * each name: a hundred thousand equal names take no longer than as many different ones.
 */
export class UniqueStems {
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();

  /**
   * @param extension what files are told apart by, beside their stems
   * @param mark what makes another stem of one that is taken: ` (2)`, `-2`
   */
  take(stem: string, extension: string, mark: (number: number) => string): string {
    const name = `${stem}${extension}`.toLowerCase();
    let number = this.#next.get(name) ?? 2;
    let unique = stem;
    let file = name;
    while (this.#taken.has(file)) {
      unique = `${stem}${mark(number++)}`;
      file = `${unique}${extension}`.toLowerCase();
    }
    this.#next.set(name, number);
    this.#taken.add(file);
    return unique;
  }
}
