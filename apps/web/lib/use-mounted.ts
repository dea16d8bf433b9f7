"use client";
import { useSyncExternalStore } from "react";

const never = () => () => undefined;

// False on the server and until React has taken the page over.
export const useMounted = () =>
  useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
