import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OllamaClient } from "./client.ts";
import { hashFile } from "./hash.ts";

describe("uploading a file", () => {
  let folder = "";
  let server: http.Server | net.Server | null = null;
  const sockets = new Set<Socket>();
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "upload-"));
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
    server = null;
    await rm(folder, { recursive: true, force: true });
  });

  async function start<T extends http.Server | net.Server>(made: T): Promise<OllamaClient> {
    server = made;
    made.on("connection", (socket: Socket) => sockets.add(socket));
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    return new OllamaClient(new URL(`http://127.0.0.1:${(made.address() as AddressInfo).port}/`));
  }
  async function bigFile(): Promise<string> {
    const path = join(folder, "big");
    await writeFile(path, Buffer.alloc(8 * 1024 * 1024, 7));
    return path;
  }

  it("learns that the server has it, without sending a byte", async () => {
    let received = 0;
    // Answers at once and closes, as the server does for a digest that it has.
    const client = await start(
      net.createServer((socket) => {
        socket.on("data", (piece) => {
          received += piece.length;
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        });
        socket.on("error", () => undefined);
      }),
    );
    const file = await hashFile(await bigFile());
    expect(await client.upload(file)).toBe("present");
    expect(received).toBeLessThan(1000);
  });

  it("sends it when asked, and counts the bytes", async () => {
    const client = await start(
      http.createServer((request, response) => {
        request.resume().once("end", () => response.writeHead(201).end());
      }),
    );
    const file = await hashFile(await bigFile());
    let sent = 0;
    expect(
      await client.upload(file, {
        onBytes: (done) => {
          sent = done;
        },
      }),
    ).toBe("created");
    expect(sent).toBe(file.bytes);
  });

  it("sends it unasked to a server that never asks", async () => {
    const made = http.createServer();
    made.on("checkContinue", (request: http.IncomingMessage, response: http.ServerResponse) => {
      request.resume().once("end", () => response.writeHead(201).end());
    });
    const client = await start(made);
    expect(await client.upload(await hashFile(await bigFile()))).toBe("created");
  });

  it("does not send a file that changed after its digest was taken", async () => {
    const client = await start(http.createServer((_request, response) => response.writeHead(500).end()));
    const path = await bigFile();
    const file = await hashFile(path);
    await writeFile(path, "other");
    await expect(client.upload(file)).rejects.toMatchObject({ code: "OLLAMA_FILE" });
  });

  it("tells a full disk from a broken connection", async () => {
    const client = await start(
      http.createServer((request, response) => {
        request.resume();
        response.writeHead(500, { "content-type": "application/json" }).end('{"error":"no space left on device"}');
      }),
    );
    await expect(client.upload(await hashFile(await bigFile()))).rejects.toMatchObject({
      code: "OLLAMA_SERVER_ERROR",
      detail: "no space left on device",
    });
  });
});
