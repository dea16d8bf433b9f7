"use client";
import { useEffect } from "react";
import { authClient } from "./auth-client.ts";

const channelName = "anneal.session";

const leave = () => window.location.assign("/sign-in"); // a full load: nothing of the session stays in memory

/** Ends the session here and shows no private page in any other tab; false when the server did not take it. */
export async function signOut(): Promise<boolean> {
  const { error } = await authClient.signOut();
  if (error) return false;
  const channel = new BroadcastChannel(channelName);
  channel.postMessage("ended");
  channel.close();
  leave();
  return true;
}

/** Leaves the page when another tab ended the session. */
export function useSignOutElsewhere(): void {
  useEffect(() => {
    const channel = new BroadcastChannel(channelName);
    channel.onmessage = leave;
    return () => channel.close();
  }, []);
}
