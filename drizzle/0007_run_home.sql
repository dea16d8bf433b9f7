ALTER TABLE "runs" ADD COLUMN "home" text;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "not_before" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "home" text;