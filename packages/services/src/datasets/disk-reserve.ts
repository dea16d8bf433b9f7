import { statfs } from "node:fs/promises";
import { ServiceError, say } from "@anneal/contracts";

// Uploads may not fill the disk that checkpoints need.
const spareBytes = 512 * 1024 ** 2;
// Bytes an upload without a promised length asks for at a time.
const stepBytes = 16 * 1024 ** 2;
const mib = (bytes: number) => (Math.max(0, bytes) / 1024 ** 2).toFixed(0);

const noSpace = (free: number) =>
  new ServiceError("NO_SPACE", say`the disk is nearly full: ${mib(free)} MiB are left for uploads`, {
    field: "file",
    remedy: say`free some space on the disk of ANNEAL_HOME (512 MiB stay free for checkpoints), or put the file below a folder of ANNEAL_DATA_DIRS`,
  });

export interface DiskClaim {
  /** Called before bytes are written; asks for more room where the claim is used up. */
  use(bytes: number): Promise<void>;
  /** Called after they are written: the disk's own figure counts them from here on. */
  wrote(bytes: number): void;
  release(): void;
}

/** The room that uploads under way were promised and have not filled yet; the disk's free bytes do not show it. */
export function createDiskReserve(
  freeBytes: (folder: string) => Promise<number> = async (folder) => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  spare = spareBytes,
) {
  let promised = 0;
  let turn: Promise<unknown> = Promise.resolve();

  // One at a time: two that look at once would both be given the same bytes.
  function take(folder: string, bytes: number): Promise<void> {
    const taken = turn.then(async () => {
      const free = (await freeBytes(folder)) - spare - promised;
      if (bytes > free) throw noSpace(free);
      promised += bytes;
    });
    turn = taken.catch(() => undefined);
    return taken;
  }

  return {
    /** `expected`: the promised length of the body, 0 where there is none. Refused at once when it cannot fit. */
    async claim(folder: string, expected: number): Promise<DiskClaim> {
      let open = expected;
      let inFlight = 0;
      await take(folder, expected);
      return {
        async use(bytes) {
          if (inFlight + bytes > open) {
            const more = Math.max(stepBytes, inFlight + bytes - open);
            // Near the end of the disk a whole step may be too much where these bytes are not.
            await take(folder, more).then(
              () => (open += more),
              async () => {
                const least = inFlight + bytes - open;
                await take(folder, least);
                open += least;
              },
            );
          }
          inFlight += bytes;
        },
        wrote(bytes) {
          inFlight -= bytes;
          open -= bytes;
          promised -= bytes;
        },
        release() {
          promised -= open;
          open = 0;
        },
      };
    },
    promisedBytes: () => promised,
  };
}
