import { ServedPage } from "../../../features/served/served-page.tsx";

export default function Page() {
  return <ServedPage />;
}
