ALTER TABLE "deployments" ADD COLUMN "worker_id" uuid;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "claimed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "queued_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "not_before" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "stalled_attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "worked_seconds" double precision DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "priority" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "waiting_limit_seconds" integer;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "running_limit_seconds" integer;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "retry" jsonb;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "cost" jsonb DEFAULT '{"seconds":{},"tokens":0,"peakMemoryBytes":null}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "claimed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "worked_seconds" double precision DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "priority" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "waiting_limit_seconds" integer;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "running_limit_seconds" integer;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "retry" jsonb;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "cost" jsonb DEFAULT '{"seconds":{},"tokens":0,"peakMemoryBytes":null}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "worker_id" uuid;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "claimed_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "queued_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "not_before" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "worked_seconds" double precision DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "priority" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "waiting_limit_seconds" integer;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "running_limit_seconds" integer;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "retry" jsonb;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "cost" jsonb DEFAULT '{"seconds":{},"tokens":0,"peakMemoryBytes":null}'::jsonb NOT NULL;--> statement-breakpoint
-- What is known of jobs that there are already.
UPDATE "runs" SET "worked_seconds" = coalesce((SELECT sum(extract(epoch FROM a."ended_at" - a."started_at")) FROM "attempts" a WHERE a."run_id" = "runs"."id"), 0);--> statement-breakpoint
UPDATE "deployments" SET "queued_at" = "created_at";--> statement-breakpoint
UPDATE "teacher_files" SET "queued_at" = "created_at";
