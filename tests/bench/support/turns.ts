/**
 * What two contenders answer, taking turns so that a slow moment of the machine meets both. The first answer of each, which warms pages
 * and caches, is left out; after `enoughSeconds` no further round is begun.
 */
export async function takeTurns<A, B>(
  rounds: number,
  ours: () => Promise<A>,
  theirs: () => Promise<B>,
  enoughSeconds = Number.POSITIVE_INFINITY,
): Promise<[A[], B[]]> {
  await ours();
  await theirs();
  const [mine, peers]: [A[], B[]] = [[], []];
  const started = performance.now();
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && performance.now() - started > enoughSeconds * 1000) break;
    mine.push(await ours());
    peers.push(await theirs());
  }
  return [mine, peers];
}
