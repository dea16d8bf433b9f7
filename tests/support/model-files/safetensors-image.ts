// An editable picture of a safetensors file: a whole one is built, then a test breaks a part of it.
export interface ImageEntry {
  dtype: unknown;
  shape: unknown;
  data_offsets: unknown;
}

export class SafetensorsImage {
  readonly entries = new Map<string, ImageEntry>();
  metadata: unknown = { format: "pt" };
  data = Buffer.alloc(0);
  /** Changes the header's text, for what JSON.stringify cannot write. */
  edit: (header: string) => string = (header) => header;
  headerBytes: bigint | null = null; // lies about the header's length

  /** Appends a float32 tensor, of small numbers unless some are given. */
  add(name: string, shape: number[], given?: Float32Array): this {
    const count = shape.reduce((a, b) => a * b, 1);
    const values = given ?? Float32Array.from({ length: count }, (_, i) => ((i % 13) - 6) / 50);
    const begin = this.data.length;
    this.data = Buffer.concat([this.data, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]);
    this.entries.set(name, { dtype: "F32", shape, data_offsets: [begin, this.data.length] });
    return this;
  }

  entry(name: string): ImageEntry {
    const found = this.entries.get(name);
    if (!found) throw new Error(`the image has no tensor ${name}`);
    return found;
  }

  bytes(): Buffer {
    const header = { ...(this.metadata ? { __metadata__: this.metadata } : {}), ...Object.fromEntries(this.entries) };
    const text = Buffer.from(this.edit(JSON.stringify(header)), "latin1");
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(this.headerBytes ?? BigInt(text.length));
    return Buffer.concat([length, text, this.data]);
  }
}
