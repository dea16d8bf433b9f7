import { NotFoundNotice } from "../components/not-found-notice.tsx";
import { AppShell } from "../features/shell/app-shell.tsx";

// An address that no page has, outside of the console's own too: with the way on beside it.
export default function NotFound() {
  return (
    <AppShell>
      <NotFoundNotice />
    </AppShell>
  );
}
