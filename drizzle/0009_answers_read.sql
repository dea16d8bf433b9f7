ALTER TABLE "samples" ADD COLUMN "thought" text;--> statement-breakpoint
ALTER TABLE "samples" ADD COLUMN "cut" boolean DEFAULT false NOT NULL;