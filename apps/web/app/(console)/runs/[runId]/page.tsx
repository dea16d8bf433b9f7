import { Id } from "@anneal/contracts";
import { notFound } from "next/navigation";
import { RunPage } from "../../../../features/run/run-page.tsx";

export default async function Page({ params }: { params: Promise<{ runId: string }> }) {
  const id = Id.safeParse((await params).runId);
  if (!id.success) notFound();
  return <RunPage runId={id.data} />;
}
