-- The project that a connection works in; null where it works in all of them or in no project.
CREATE FUNCTION anneal_project() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT nullif(nullif(current_setting('anneal.project', true), ''), '*')::uuid
$$;
--> statement-breakpoint
-- All that exists belongs to the default project: the columns below take their value from it, once, for the rows that are there.
SELECT set_config('anneal.project', '00000000-0000-7000-8000-000000000001', true);
--> statement-breakpoint
CREATE TABLE "project_members" (
	"project_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"role" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "project_members_project_id_user_id_pk" PRIMARY KEY("project_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"owner_id" text,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "projects_name_unique" UNIQUE("name")
);
--> statement-breakpoint
INSERT INTO "projects" ("id", "name", "owner_id", "created_by")
  VALUES ('00000000-0000-7000-8000-000000000001', 'Default', (SELECT "id" FROM "user" ORDER BY "created_at" LIMIT 1), 'system');
--> statement-breakpoint
ALTER TABLE "datasets" DROP CONSTRAINT "datasets_name_unique";--> statement-breakpoint
ALTER TABLE "models" DROP CONSTRAINT "models_name_unique";--> statement-breakpoint
ALTER TABLE "idempotency_keys" DROP CONSTRAINT "idempotency_keys_scope_key_pk";--> statement-breakpoint
ALTER TABLE "api_tokens" ADD COLUMN "project_id" uuid DEFAULT anneal_project();--> statement-breakpoint
ALTER TABLE "api_tokens" ADD COLUMN "owner_id" text;--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "project_id" uuid DEFAULT anneal_project();--> statement-breakpoint
ALTER TABLE "user" ADD COLUMN "administrator" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "user" ADD COLUMN "disabled_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "datasets" ADD COLUMN "project_id" uuid DEFAULT anneal_project() NOT NULL;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD COLUMN "project_id" uuid DEFAULT anneal_project() NOT NULL;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_project_id_scope_key_pk" PRIMARY KEY("project_id","scope","key");--> statement-breakpoint
ALTER TABLE "models" ADD COLUMN "project_id" uuid DEFAULT anneal_project() NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "project_id" uuid DEFAULT anneal_project() NOT NULL;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD COLUMN "project_id" uuid DEFAULT anneal_project() NOT NULL;--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "project_id" uuid DEFAULT anneal_project() NOT NULL;--> statement-breakpoint
ALTER TABLE "project_members" ADD CONSTRAINT "project_members_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_members" ADD CONSTRAINT "project_members_user_id_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_owner_id_user_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."user"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_owner_id_user_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "datasets" ADD CONSTRAINT "datasets_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "models" ADD CONSTRAINT "models_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "teacher_files" ADD CONSTRAINT "teacher_files_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "uploads" ADD CONSTRAINT "uploads_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "runs_project" ON "runs" USING btree ("project_id","id");--> statement-breakpoint
ALTER TABLE "datasets" ADD CONSTRAINT "datasets_name" UNIQUE("project_id","name");--> statement-breakpoint
ALTER TABLE "models" ADD CONSTRAINT "models_name" UNIQUE("project_id","name");
--> statement-breakpoint
-- Everybody who could sign in until now could do everything.
UPDATE "user" SET "administrator" = true;
--> statement-breakpoint
INSERT INTO "project_members" ("project_id", "user_id", "role")
  SELECT '00000000-0000-7000-8000-000000000001', "id", 'admin' FROM "user";
--> statement-breakpoint
-- A token that looks after the installation is bound to no project; a token acts for the person at the root of its line.
UPDATE "api_tokens" SET "project_id" = NULL WHERE "permissions" ? 'system:admin';
--> statement-breakpoint
WITH RECURSIVE line AS (
  SELECT t."id", u."id" AS owner FROM "api_tokens" t JOIN "user" u ON u."id" = t."created_by"
  UNION SELECT child."id", line.owner FROM "api_tokens" child JOIN line ON child."parent_id" = line."id"
) UPDATE "api_tokens" SET "owner_id" = line.owner FROM line WHERE line."id" = "api_tokens"."id";
--> statement-breakpoint
SELECT set_config('anneal.project', '*', true);
