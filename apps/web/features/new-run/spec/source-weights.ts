// Weights of sources as text: one `SOURCE = WEIGHT` a line. A weight that is none stays NaN, so that it is refused at its field.

export function parseSourceWeights(text: string): Record<string, number> {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf("=");
      const [name, weight] =
        at < 0
          ? [line, ""]
          : [
              line.slice(0, at),
              line
                .slice(at + 1)
                .trim()
                .replace(",", "."),
            ];
      return [name.trim(), weight === "" ? Number.NaN : Number(weight)];
    }),
  );
}

export const formatSourceWeights = (weights: Readonly<Record<string, number>>): string =>
  Object.entries(weights)
    .map(([name, weight]) => `${name} = ${weight}`)
    .join("\n");
