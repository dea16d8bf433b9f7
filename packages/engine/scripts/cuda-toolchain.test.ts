import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { zipEntries } from "./cuda-toolchain.mjs";

// A zip archive of one file.
function archive(name: string, content: string, change: { method?: number; size?: number } = {}): Buffer {
  const packed = deflateRawSync(Buffer.from(content));
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(change.method ?? 8, 10);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt32LE(change.size ?? content.length, 24);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt32LE((0o100755 << 16) >>> 0, 38);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(30 + name.length + packed.length, 16);
  return Buffer.concat([local, Buffer.from(name), packed, central, Buffer.from(name), end]);
}

describe("zipEntries", () => {
  it("reads what a wheel holds, with its mode", () => {
    const [entry] = [...zipEntries(archive("nvidia/cu13/bin/nvcc", "text ".repeat(100)))];
    expect(entry?.name).toBe("nvidia/cu13/bin/nvcc");
    expect((entry?.mode ?? 0) & 0o111).not.toBe(0);
    expect(entry?.content.toString()).toBe("text ".repeat(100));
  });

  it("refuses paths out of the archive, damage and methods it does not know", () => {
    expect(() => [...zipEntries(archive("a/../../b", "x"))]).toThrow("a path out of the archive");
    expect(() => [...zipEntries(archive("/etc/b", "x"))]).toThrow("a path out of the archive");
    expect(() => [...zipEntries(archive("a", "xyz", { size: 2 }))]).toThrow();
    expect(() => [...zipEntries(archive("a", "xyz", { method: 12 }))]).toThrow("method 12");
    expect(() => [...zipEntries(Buffer.from("no archive at all, but a page of a proxy"))]).toThrow("no end record");
  });
});
