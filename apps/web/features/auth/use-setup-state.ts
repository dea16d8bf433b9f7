import { useQuery } from "@tanstack/react-query";
import { z } from "zod";

const SetupState = z.object({ needed: z.boolean() });

/** Whether the first administrator is still to be made. */
export const useSetupState = () =>
  useQuery({
    queryKey: ["setup"],
    queryFn: async () => SetupState.parse(await (await fetch("/api/setup")).json()),
    staleTime: 60_000,
  });
