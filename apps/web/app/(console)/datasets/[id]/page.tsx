import { DatasetPage } from "../../../../features/datasets/dataset-page.tsx";

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <DatasetPage datasetId={id} />;
}
