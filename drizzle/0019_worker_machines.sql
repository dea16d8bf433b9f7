CREATE TABLE "worker_join_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	"used_by" text,
	CONSTRAINT "worker_join_tokens_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
ALTER TABLE "work_requests" ADD COLUMN "for_worker_id" uuid;--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "devices" jsonb DEFAULT '["cpu"]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "labels" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "version" text;--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "cordoned_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "drained_at" timestamp with time zone;