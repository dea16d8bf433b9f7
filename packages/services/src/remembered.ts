/** The answers of the questions asked last; a failure is told to who asked, and forgotten. */
export class Remembered<T> {
  private readonly answers = new Map<string, T | Promise<T>>(); // the one not asked for longest first

  constructor(private readonly most: number) {}

  has(key: string): boolean {
    return this.answers.has(key);
  }

  get(key: string): T | Promise<T> | undefined {
    const known = this.answers.get(key);
    if (known !== undefined) this.set(key, known);
    return known;
  }

  set(key: string, answer: T | Promise<T>): void {
    this.answers.delete(key);
    this.answers.set(key, answer);
    if (answer instanceof Promise)
      answer.catch(() => {
        if (this.answers.get(key) === answer) this.answers.delete(key);
      });
    for (const oldest of this.answers.keys()) {
      if (this.answers.size <= this.most) return;
      this.answers.delete(oldest);
    }
  }

  async of(key: string, make: () => T | Promise<T>): Promise<T> {
    const known = this.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.set(key, made);
    return made;
  }
}
