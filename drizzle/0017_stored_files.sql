-- All projects' rows are moved.
SELECT set_config('anneal.project', '*', true);--> statement-breakpoint
ALTER TABLE "artifacts" ADD COLUMN "file" text;--> statement-breakpoint
ALTER TABLE "artifacts" ADD COLUMN "stored" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "checkpoints" ADD COLUMN "folder" text;--> statement-breakpoint
ALTER TABLE "checkpoints" ADD COLUMN "files" jsonb;--> statement-breakpoint
ALTER TABLE "dataset_versions" ADD COLUMN "files" jsonb;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "store" text;--> statement-breakpoint
ALTER TABLE "workers" ADD COLUMN "store" text;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "stored" boolean DEFAULT true NOT NULL;--> statement-breakpoint
-- Paths of one machine become places in the run's folder; a worker of that home brings the files into the store (stored = false).
UPDATE "artifacts" SET "file" = coalesce(regexp_replace("path", '^.*/runs/' || "run_id" || '/', ''), "path"), "stored" = false;--> statement-breakpoint
UPDATE "checkpoints" SET "folder" = regexp_replace("path", '^.*/runs/' || "run_id" || '/', '');--> statement-breakpoint
UPDATE "teacher_files" SET "stored" = false WHERE "path" IS NOT NULL;--> statement-breakpoint
-- The store inside a home has the identity of the home.
UPDATE "runs" SET "store" = "home";--> statement-breakpoint
UPDATE "workers" SET "store" = "home";--> statement-breakpoint
UPDATE "run_events" SET "body" = jsonb_set("body", '{path}', to_jsonb(regexp_replace("body"->>'path', '^.*/runs/' || "run_id" || '/', ''))) WHERE "type" IN ('artifact', 'checkpoint') AND "body" ? 'path';--> statement-breakpoint
ALTER TABLE "artifacts" ALTER COLUMN "file" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "checkpoints" ALTER COLUMN "folder" SET NOT NULL;
