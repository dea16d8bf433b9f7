/** A text in which `what stands between backticks` is code: a command, a name of a variable. */
export function Coded({ text }: { text: string }) {
  return text.split(/`([^`]+)`/).map((part, i) =>
    i % 2 === 0 ? (
      part
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
      <code key={i} className="rounded bg-muted px-1 font-mono text-[0.92em]">
        {part}
      </code>
    ),
  );
}
