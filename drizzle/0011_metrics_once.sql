DROP TABLE "evaluations" CASCADE;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "metric_sets" jsonb DEFAULT '[]'::jsonb NOT NULL;