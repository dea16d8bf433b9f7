import { say } from "@anneal/contracts";
import { shown, TextError } from "../text-error.ts";
import { alphabetToBytes } from "./byte-alphabet.ts";
import { checkGrowth, checkSteps, growthLimit, insertedText, oneCharacter, replaceWithin } from "./growth.ts";

export interface Decoder {
  decode(tokens: readonly string[]): string;
  bytes(token: string): Uint8Array; // of one token by itself
}

const encoder = new TextEncoder();
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export const byteLevelDecoder: Decoder = {
  decode: (tokens) => lossy.decode(concatenate(tokens.map(alphabetToBytes))),
  bytes: alphabetToBytes,
};

export function byteOfToken(token: string): number | null {
  const match = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
  return match ? Number.parseInt(match[1] as string, 16) : null;
}

// Runs of <0xNN> become their text, or one U+FFFD a byte where they are no UTF-8.
function fuseBytes(tokens: readonly string[]): string[] {
  const texts: string[] = [];
  let run: number[] = [];
  const flush = () => {
    if (run.length === 0) return;
    try {
      texts.push(strict.decode(Uint8Array.from(run)));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      texts.push("\ufffd".repeat(run.length));
    }
    run = [];
  };
  for (const token of tokens) {
    const byte = byteOfToken(token);
    if (byte === null) {
      flush();
      texts.push(token);
    } else run.push(byte);
  }
  flush();
  return texts;
}

/** `limit`: characters that one of the texts may become. */
type Step = (tokens: readonly string[], limit: number) => readonly string[];

const field = "tokenizer.json decoder";

function decoderOf(steps: readonly Step[], escapedSpace: string): Decoder {
  return {
    decode: (tokens) => {
      const limit = growthLimit(tokens.reduce((sum, token) => sum + token.length, 0));
      return steps
        .reduce<readonly string[]>((now, step) => {
          const made = step(now, limit);
          checkGrowth(
            made.reduce((sum, text) => sum + text.length, 0),
            limit,
            field,
          );
          return made;
        }, tokens)
        .join("");
    },
    bytes: (token) => {
      const byte = byteOfToken(token);
      return byte === null ? encoder.encode(token.replaceAll(escapedSpace, " ")) : Uint8Array.of(byte);
    },
  };
}

// SentencePiece's: `stripsSpace` takes away the one space that encoding put before the text.
export function sentencePieceDecoder(stripsSpace: boolean): Decoder {
  const steps: Step[] = [(tokens) => tokens.map((token) => token.replaceAll("▁", " ")), fuseBytes];
  if (stripsSpace) steps.push((tokens) => [stripStart(tokens.join(""), " ", 1)]);
  return decoderOf(steps, "▁");
}

// `content` is one character.
function stripStart(text: string, content: string, atMost: number): string {
  let from = 0;
  for (let i = 0; i < atMost && text.startsWith(content, from); i++) from += content.length;
  return text.slice(from);
}

function stripEnd(text: string, content: string, atMost: number): string {
  let to = text.length;
  for (let i = 0; i < atMost && text.endsWith(content, to); i++) to -= content.length;
  return text.slice(0, to);
}

interface DecoderJson {
  type: string;
  decoders?: DecoderJson[];
  pattern?: { String?: string; Regex?: string };
  content?: string;
  start?: number;
  stop?: number;
  replacement?: string;
  prepend_scheme?: string;
}

// From `decoder` of a tokenizer.json. Throws TextError for a kind that is not known exactly.
export function decoderFromJson(json: DecoderJson | null | undefined): Decoder {
  if (!json) return decoderOf([(tokens) => [tokens.join(" ")]], "▁"); // the original's way where none is named
  const nodes = json.type === "Sequence" ? (json.decoders ?? []) : [json];
  checkSteps(nodes.length, field);
  if (nodes.length === 1 && nodes[0]?.type === "ByteLevel") return byteLevelDecoder;
  return decoderOf(
    nodes.map((node): Step => {
      switch (node.type) {
        case "Replace": {
          const from = node.pattern?.String;
          if (typeof from !== "string" || from === "") break;
          const to = insertedText(node.content, "", `${field}.content`);
          return (tokens, limit) => {
            let room = limit;
            return tokens.map((token) => {
              const text = replaceWithin(token, from, to, room, field);
              room -= text.length;
              return text;
            });
          };
        }
        case "ByteFallback":
          return fuseBytes;
        case "Fuse":
          return (tokens) => [tokens.join("")];
        case "Strip": {
          const content = oneCharacter(node.content, " ", `${field}.content`);
          return (tokens) =>
            tokens.map((token) => stripEnd(stripStart(token, content, node.start ?? 0), content, node.stop ?? 0));
        }
        case "Metaspace": {
          const mark = oneCharacter(node.replacement, "▁", `${field}.replacement`);
          return (tokens) =>
            tokens.map((token, i) => {
              // Of the first token every replacement goes, not only the one that was put there.
              const dropped = i === 0 && node.prepend_scheme !== "never";
              return token.replaceAll(mark, dropped ? "" : " ");
            });
        }
      }
      throw new TextError(
        field,
        say`the kind ${shown(node.type)} is not supported`,
        say`Use a model whose tokenizer decodes bytes or SentencePiece pieces.`,
      );
    }),
    "▁",
  );
}
