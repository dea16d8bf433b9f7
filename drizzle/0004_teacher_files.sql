CREATE TABLE "teacher_files" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"input" jsonb NOT NULL,
	"dataset_version_id" uuid NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"fraction" double precision,
	"path" text,
	"digest" text,
	"bytes" bigint,
	"rows" integer,
	"supervised_tokens" bigint,
	"facts" jsonb,
	"epoch" integer DEFAULT 0 NOT NULL,
	"lease_expires_at" timestamp with time zone,
	"stalled_attempts" integer DEFAULT 0 NOT NULL,
	"problem" jsonb,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "teacher_files" ADD CONSTRAINT "teacher_files_dataset_version_id_dataset_versions_id_fk" FOREIGN KEY ("dataset_version_id") REFERENCES "public"."dataset_versions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "teacher_files_dataset" ON "teacher_files" USING btree ("dataset_version_id");