ALTER TABLE "attempts" RENAME COLUMN "epoch" TO "attempt";--> statement-breakpoint
ALTER TABLE "checkpoints" RENAME COLUMN "epoch" TO "attempt";--> statement-breakpoint
ALTER TABLE "deployments" RENAME COLUMN "epoch" TO "attempt";--> statement-breakpoint
ALTER TABLE "run_events" RENAME COLUMN "epoch" TO "attempt";--> statement-breakpoint
ALTER TABLE "run_metrics" RENAME COLUMN "epoch" TO "attempt";--> statement-breakpoint
ALTER TABLE "runs" RENAME COLUMN "epoch" TO "attempt";--> statement-breakpoint
ALTER TABLE "teacher_files" RENAME COLUMN "epoch" TO "attempt";--> statement-breakpoint
ALTER TABLE "attempts" RENAME CONSTRAINT "attempts_run_id_epoch_pk" TO "attempts_run_id_attempt_pk";--> statement-breakpoint
-- What was recorded of attempts says their number under the new name too.
UPDATE "run_events" SET "body" = ("body" - 'epoch') || jsonb_build_object('attempt', "body" -> 'epoch') WHERE "type" = 'attempt' AND "body" ? 'epoch';
