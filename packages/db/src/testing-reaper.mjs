// Stops the shared test server when no process that uses it is left. Arguments: pid of the server, folder of user files.
import { readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";

const [server, folder] = [Number(process.argv[2]), process.argv[3]];
const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
};
let idle = 0;
setInterval(() => {
  if (!alive(server)) process.exit(0);
  let users = 0;
  for (const name of readdirSync(folder)) {
    if (alive(Number(name))) users++;
    else unlinkSync(join(folder, name));
  }
  idle = users === 0 ? idle + 1 : 0;
  if (idle >= 6) process.kill(server, "SIGINT");
}, 5000);
