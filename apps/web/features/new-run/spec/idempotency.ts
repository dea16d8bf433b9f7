// One key for one spec sent from one form: a double click, or a second try after a lost answer, makes one run; a changed
// spec is another run. Random bytes and not randomUUID, which browsers keep from plain-http hosts.
export class IdempotencyKeys {
  private readonly keys = new Map<string, string>();

  keyFor(spec: unknown): string {
    const content = JSON.stringify(spec);
    const known = this.keys.get(content);
    if (known) return known;
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const key = `form-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    this.keys.set(content, key);
    return key;
  }
}
