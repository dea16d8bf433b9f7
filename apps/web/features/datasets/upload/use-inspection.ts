"use client";
import type { ColumnMapping, DatasetFormat, UploadInspection } from "@anneal/contracts";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTRPC } from "../../../lib/trpc.ts";

/** How a person wants the file to be read. */
export interface Choice {
  format: DatasetFormat;
  mapping: ColumnMapping | null; // null: as the server guesses
  leaveOut: string[];
}

const choiceOf = ({ format, mapping, leaveOut }: UploadInspection): Choice => ({ format, mapping, leaveOut });
const settleMilliseconds = 300; // a line that is being typed is read once, not at every letter

/** A look at an upload that follows what the person chooses; `current` is false until the server has read it so. */
export function useInspection(first: UploadInspection) {
  const trpc = useTRPC();
  const [inspection, setInspection] = useState(first);
  const [wanted, setWanted] = useState(() => choiceOf(first));
  const [seen, setSeen] = useState(wanted);
  const look = useMutation(trpc.datasets.inspect.mutationOptions());
  const { mutate } = look;
  const { uploadId } = first;
  useEffect(() => {
    if (wanted === seen) return;
    const timer = setTimeout(() => {
      const { format, mapping, leaveOut } = wanted;
      mutate(
        { uploadId, format, leaveOut, ...(mapping ? { mapping } : {}) },
        // Called for the newest look only.
        {
          onSuccess: (found) => {
            const choice = choiceOf(found);
            setInspection(found);
            setWanted(choice);
            setSeen(choice);
          },
        },
      );
    }, settleMilliseconds);
    return () => clearTimeout(timer);
  }, [wanted, seen, mutate, uploadId]);
  return { inspection, wanted, setWanted, current: wanted === seen, error: look.error };
}
