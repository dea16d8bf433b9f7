// Which command a sequence of keys asks for. A sequence is typed within a second; modifiers and typing in a field end it.
export interface Shortcut {
  keys: string; // "g r": keys in turn
  run: () => void;
}

export class ShortcutMatcher {
  private typed: string[] = [];
  private lastTime = 0;
  constructor(private readonly shortcuts: readonly Shortcut[]) {}

  // key: KeyboardEvent.key; time in milliseconds. True when a command ran.
  press(key: string, time: number): boolean {
    if (time - this.lastTime > 1000) this.typed = [];
    this.lastTime = time;
    this.typed.push(key);
    const sequence = this.typed.join(" ");
    const hit = this.shortcuts.find((shortcut) => shortcut.keys === sequence);
    if (hit) {
      this.typed = [];
      hit.run();
      return true;
    }
    if (!this.shortcuts.some((shortcut) => shortcut.keys.startsWith(`${sequence} `))) {
      this.typed = [];
      // The key that broke a sequence may begin another one.
      if (sequence !== key) return this.press(key, time);
    }
    return false;
  }
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}
