"use client";
import { createAuthClient } from "better-auth/react";

// Same origin, /api/auth.
export const authClient = createAuthClient();
