// A small S3-compatible server in a process of its own: node s3rver.mjs FOLDER PORT BUCKET. Prints its port once it answers.
import S3rver from "@20minutes/s3rver";

const [folder, port, bucket] = process.argv.slice(2);
const server = new S3rver({
  address: "127.0.0.1",
  port: Number(port),
  silent: true,
  directory: folder,
  configureBuckets: [{ name: bucket }],
});
const address = await server.run();
process.stdout.write(`${address.port}\n`);
process.on("disconnect", () => process.exit(0));
