import { ModelsPage } from "../../../features/models/models-page.tsx";

export default function Page() {
  return <ModelsPage />;
}
