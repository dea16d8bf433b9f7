import { NotFoundNotice } from "../components/not-found-notice.tsx";

export default function NotFound() {
  return (
    <main className="mx-auto max-w-xl px-4 py-16">
      <NotFoundNotice />
    </main>
  );
}
