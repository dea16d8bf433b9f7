import { DatasetListPage } from "../../../features/datasets/dataset-list-page.tsx";

export default function Page() {
  return <DatasetListPage />;
}
