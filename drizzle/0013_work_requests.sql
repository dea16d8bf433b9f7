CREATE TABLE "work_requests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project_id" uuid DEFAULT anneal_project(),
	"kind" text NOT NULL,
	"digest" text NOT NULL,
	"input" jsonb NOT NULL,
	"actor" jsonb NOT NULL,
	"title" text,
	"status" text DEFAULT 'waiting' NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"worker_id" uuid,
	"lease_expires_at" timestamp with time zone,
	"progress" jsonb,
	"output" jsonb,
	"problem" jsonb,
	"cancel_requested_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"wanted_until" timestamp with time zone NOT NULL,
	"keep_until" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "work_requests" ADD CONSTRAINT "work_requests_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "work_requests_under_way" ON "work_requests" USING btree ("digest") WHERE "work_requests"."status" in ('waiting', 'running');--> statement-breakpoint
CREATE INDEX "work_requests_by_status" ON "work_requests" USING btree ("status","created_at");