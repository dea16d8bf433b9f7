// Faults that a stand-in can be told to show: by route, and by the how-manieth request to it.
export type FaultKind =
  | { kind: "status"; status: number } // answers with an error of that status
  | { kind: "eof" } // as a server that reads a manifest which is just being written
  | { kind: "refuse" } // drops the connection before any answer
  | { kind: "break"; afterLines: number } // drops it after so many lines of a stream (or bytes taken of an upload)
  | { kind: "slow"; milliseconds: number } // waits before it answers
  | { kind: "hang" }; // never answers

export interface Fault {
  method: string;
  path: string; // the beginning of the path
  nth: number; // 1 is the first request from now on
  onwards: boolean; // that one and all after it
  what: FaultKind;
}

const help =
  'write "METHOD PATH[#N[+]]=500|eof|refuse|hang|slow:MS|break[:LINES]", for example "POST /api/create#2=500"';

export function parseFault(text: string): Fault {
  const found = /^([A-Z]+) (\/[^#=\s]*)(?:#(\d+)(\+)?)?=(\w+)(?::(\d+))?$/.exec(text);
  if (!found) throw new Error(`fault ${JSON.stringify(text)} is not understood: ${help}`);
  const [, method = "", path = "", nth, onwards, word = "", number] = found;
  const what = ((): FaultKind => {
    if (/^[45]\d\d$/.test(word)) return { kind: "status", status: Number(word) };
    if (word === "eof" || word === "refuse" || word === "hang") return { kind: word };
    if (word === "slow" && number) return { kind: "slow", milliseconds: Number(number) };
    if (word === "break") return { kind: "break", afterLines: Number(number ?? 1) };
    throw new Error(`fault ${JSON.stringify(text)}: unknown kind ${JSON.stringify(word)}: ${help}`);
  })();
  return { method, path, nth: Number(nth ?? 1), onwards: onwards === "+" || nth === undefined, what };
}

export class Faults {
  private readonly list: { fault: Fault; seen: number }[] = [];

  add(fault: Fault | string): void {
    this.list.push({ fault: typeof fault === "string" ? parseFault(fault) : fault, seen: 0 });
  }

  clear(): void {
    this.list.length = 0;
  }

  // Counts a request and tells what is to go wrong with it.
  meet(method: string, path: string): FaultKind | null {
    let met: FaultKind | null = null;
    for (const entry of this.list) {
      const { fault } = entry;
      if (fault.method !== method || !path.startsWith(fault.path)) continue;
      entry.seen += 1;
      if (entry.seen === fault.nth || (fault.onwards && entry.seen > fault.nth)) met ??= fault.what;
    }
    return met;
  }
}
