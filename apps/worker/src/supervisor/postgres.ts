import { join } from "node:path";
import { migrate } from "@anneal/db";
import { type EmbeddedPostgres, grantToApp, makeRoles, startEmbeddedPostgres } from "@anneal/db/embedded";
import { installQueue } from "../queue.ts";

const lookEveryMilliseconds = 500;

/** The embedded Postgres of a home, started again when it dies; its folder, port and password stay the same. */
export class SupervisedPostgres {
  private timer: NodeJS.Timeout | null = null;
  private busy: Promise<void> | null = null;

  private constructor(
    private server: EmbeddedPostgres,
    private readonly home: string,
    private readonly settings: string[],
    private readonly say: (line: string) => void,
    private readonly onNewUrl: () => void,
  ) {}

  static async start(options: {
    home: string;
    settings?: string[];
    say: (line: string) => void;
    onNewUrl: () => void;
  }): Promise<SupervisedPostgres> {
    const { home, settings = [], say, onNewUrl } = options;
    const postgres = new SupervisedPostgres(await launch(home, settings), home, settings, say, onNewUrl);
    postgres.timer = setInterval(() => postgres.look(), lookEveryMilliseconds);
    return postgres;
  }

  /** For whoever serves people: it reads and writes rows, and nothing else. */
  get url(): string {
    return this.server.roleUrl("app");
  }

  /** Roles, schema and queue as this version needs them; a home of an older one is taken over as it is. */
  async prepare(): Promise<void> {
    const owner = this.server.roleUrl("owner");
    await makeRoles(this.server.url(), this.server.passwords);
    await migrate(owner);
    await installQueue(owner);
    await grantToApp(owner);
  }

  get pid(): number {
    return this.server.pid;
  }

  private look(): void {
    if (this.busy || this.server.isAlive()) return;
    this.say("Postgres ended; starting it again");
    this.busy = launch(this.home, this.settings)
      .then((server) => {
        const moved = server.url() !== this.server.url();
        this.server = server;
        this.say("Postgres runs again");
        if (moved) this.onNewUrl();
      })
      .catch((error: unknown) => this.say(`Postgres does not start: ${String(error)}; trying on`))
      .finally(() => {
        this.busy = null;
      });
  }

  /** Begins a fast shutdown (nothing committed is lost) and does not wait for its end. */
  kill(): void {
    if (this.timer) clearInterval(this.timer);
    if (this.server.isAlive()) process.kill(this.server.pid, "SIGINT");
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.busy;
    await this.server.stop();
  }
}

const launch = (home: string, settings: string[]) =>
  startEmbeddedPostgres({
    dataDir: join(home, "postgres"),
    logFile: join(home, "logs/postgres.log"),
    settings,
  });
