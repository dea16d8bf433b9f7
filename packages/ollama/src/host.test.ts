import { describe, expect, it } from "vitest";
import { parseOllamaHost } from "./host.ts";

describe("OLLAMA_HOST", () => {
  it.each([
    ["", "http://127.0.0.1:11434/"],
    ["127.0.0.1", "http://127.0.0.1:11434/"],
    ["0.0.0.0:80", "http://127.0.0.1/"],
    [":1234", "http://127.0.0.1:1234/"],
    ["[::1]:5", "http://[::1]:5/"],
    ["::1", "http://[::1]:11434/"],
    ["http://box", "http://box/"],
    ["https://box/ollama/", "https://box/ollama/"],
    ['"box:1"', "http://box:1/"],
  ])("%j becomes %s", (text, url) => expect(parseOllamaHost(text).href).toBe(url));

  it.each(["ftp://x", "a@b", "a:99999", "a:0", "a b", "http://x?y"])("%j is refused with a remedy", (text) =>
    expect(() => parseOllamaHost(text)).toThrow(/is not an address/),
  );
});
