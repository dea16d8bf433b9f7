import { NewRunPage } from "../../../../features/new-run/new-run-page.tsx";

const one = (value: string | string[] | undefined) => (typeof value === "string" && value ? value : undefined);

export default async function Page({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}) {
  const query = await searchParams;
  const from = one(query.from);
  const dataset = one(query.dataset);
  const base = one(query.base);
  // A key makes a form of its own for every origin.
  return (
    <NewRunPage
      key={`${from}|${dataset}|${base}`}
      {...(from ? { from } : {})}
      {...(dataset ? { dataset } : {})}
      {...(base ? { base } : {})}
    />
  );
}
