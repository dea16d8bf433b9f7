ALTER TABLE "artifacts" DROP COLUMN "path";--> statement-breakpoint
ALTER TABLE "checkpoints" DROP COLUMN "path";--> statement-breakpoint
ALTER TABLE "dataset_versions" DROP COLUMN "path";--> statement-breakpoint
ALTER TABLE "runs" DROP COLUMN "home";--> statement-breakpoint
ALTER TABLE "teacher_files" DROP COLUMN "path";