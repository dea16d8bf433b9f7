import { InvitationPage } from "../../features/auth/invitation-page.tsx";

export default function Page() {
  return <InvitationPage />;
}
