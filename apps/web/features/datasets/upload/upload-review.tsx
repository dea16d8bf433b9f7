"use client";
import {
  type CommittedDataset,
  type DatasetFormat,
  DisplayName,
  DatasetFormat as Formats,
  type UploadInspection,
  wordsOf,
} from "@anneal/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useFormatter, useTranslations } from "next-intl";
import { useId, useState } from "react";
import { Field } from "../../../components/field.tsx";
import { useWords } from "../../../components/phrases.tsx";
import { ProblemNotice } from "../../../components/problem-notice.tsx";
import { Badge } from "../../../components/ui/badge.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Input, NativeSelect } from "../../../components/ui/input.tsx";
import { Checkbox } from "../../../components/ui/switch.tsx";
import { formatBytes, formatPercent, visible } from "../../../lib/format.ts";
import { useTRPC } from "../../../lib/trpc.ts";
import { JobProgress } from "../../jobs/job-progress.tsx";
import { Conversation } from "../conversation.tsx";
import { BadLines } from "./bad-lines.tsx";
import { ColumnMappingForm } from "./column-mapping.tsx";
import { canMap, fieldUses, undecided } from "./mapping-choice.ts";
import { nameFromFile } from "./names.ts";
import { UnusedFields } from "./unused-fields.tsx";
import { useInspection } from "./use-inspection.ts";

// What was found in the file, before a version is made of it: format, columns, bad lines, a look at the rows, a name.
export function UploadReview({
  inspection: first,
  onDone,
  onDiscard,
}: {
  inspection: UploadInspection;
  onDone: (dataset: CommittedDataset) => void;
  onDiscard: () => void;
}) {
  const t = useTranslations("datasets");
  const words = useWords();
  const format = useFormatter();
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const id = useId();
  const { inspection, wanted, setWanted, current, error: unread } = useInspection(first);
  const [readable, setReadable] = useState(true); // what the columns' form says can be read
  const [name, setName] = useState(() => nameFromFile(first.fileName));
  const [skip, setSkip] = useState(false);
  const datasets = useQuery(trpc.datasets.list.queryOptions());
  const commit = useMutation(
    trpc.datasets.commit.mutationOptions({
      onSuccess: (dataset) => {
        void queryClient.invalidateQueries({ queryKey: trpc.datasets.pathKey() });
        onDone(dataset);
      },
    }),
  );

  const { guess, uploadId, mapping, badLineCount, goodRows } = inspection;
  const open = undecided(inspection, wanted.leaveOut);
  const parsed = DisplayName.safeParse(name);
  const known = datasets.data?.find((dataset) => parsed.success && dataset.name === parsed.data);
  const version = known ? Math.max(0, ...known.versions.map(({ number }) => number)) + 1 : 1;
  const blocked =
    goodRows === 0 || (badLineCount > 0 && !skip) || !parsed.success || open.length > 0 || !current || !readable;
  const submit = () =>
    commit.mutate({
      uploadId,
      name,
      format: inspection.format,
      ...(mapping ? { mapping } : {}),
      leaveOut: wanted.leaveOut,
      skipBadLines: badLineCount > 0 && skip,
    });

  return (
    <div className="space-y-4">
      <div className="flex flex-wrap items-center gap-2">
        <span className="foreign font-medium">{visible(inspection.fileName)}</span>
        <Badge tone="outline">{formatBytes(inspection.bytes)}</Badge>
        <Badge tone={goodRows > 0 ? "success" : "danger"}>{t("rowCount", { count: goodRows })}</Badge>
        {badLineCount > 0 ? <Badge tone="warning">{t("upload.badLines", { count: badLineCount })}</Badge> : null}
        {inspection.duplicateRows > 0 ? (
          <Badge tone="neutral">{t("upload.duplicates", { count: inspection.duplicateRows })}</Badge>
        ) : null}
      </div>

      <Field
        id={`${id}-format`}
        label={t("upload.format")}
        hint={
          <>
            {t("upload.guessed", {
              format: t(`format.${guess.format}`),
              confidence: formatPercent(guess.confidence, 0),
            })}{" "}
            <span className="foreign">{words(wordsOf(guess, "reason"))}</span>
          </>
        }
      >
        {(aria) => (
          <NativeSelect
            {...aria}
            className="sm:max-w-xs"
            value={wanted.format}
            onChange={(event) => {
              setReadable(true);
              setWanted({ ...wanted, format: event.target.value as DatasetFormat, mapping: null });
            }}
          >
            {Formats.options.map((option) => (
              <option key={option} value={option}>
                {option === guess.format
                  ? t("upload.detected", { format: t(`format.${option}`) })
                  : t(`format.${option}`)}
              </option>
            ))}
          </NativeSelect>
        )}
      </Field>
      {canMap(inspection) ? (
        <ColumnMappingForm
          key={JSON.stringify([inspection.format, ...fieldUses.map((use) => use !== "system" && mapping?.[use])])}
          columns={guess.columns}
          mapping={mapping}
          onChange={(chosen) => {
            setReadable(chosen !== null);
            if (chosen) setWanted({ ...wanted, mapping: chosen });
          }}
        />
      ) : null}
      {inspection.unusedFields.length > 0 ? (
        <UnusedFields
          fields={inspection.unusedFields}
          leaveOut={wanted.leaveOut}
          mapping={wanted.mapping}
          onLeaveOut={(leaveOut) => setWanted({ ...wanted, leaveOut })}
          onMapping={(chosen) => setWanted({ ...wanted, mapping: chosen })}
        />
      ) : null}
      <p aria-live="polite" className="sr-only">
        {!current ? t("upload.reading") : t("rowCount", { count: goodRows })}
      </p>
      {inspection.notes.map((note) => (
        <p key={note.text} className="foreign text-muted-foreground text-xs">
          {words(wordsOf(note, "text"))}
        </p>
      ))}
      {unread ? <ProblemNotice error={unread} /> : null}

      {badLineCount > 0 ? (
        <div className="space-y-2">
          <BadLines lines={inspection.badLines} count={badLineCount} />
          {goodRows > 0 ? (
            <label htmlFor={`${id}-skip`} className="flex items-center gap-2 text-sm">
              <Checkbox id={`${id}-skip`} checked={skip} onCheckedChange={(checked) => setSkip(checked === true)} />
              {t("upload.skip", { count: badLineCount })}
            </label>
          ) : null}
        </div>
      ) : null}

      {inspection.preview.length > 0 ? (
        <section aria-label={t("upload.preview")}>
          <h3 className="mb-1.5 font-medium text-sm">{t("upload.preview")}</h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
          <ol className="max-h-72 divide-y overflow-y-auto rounded-md border" tabIndex={0}>
            {inspection.preview.map((row, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
              <li key={i} className="px-3 py-2">
                <Conversation row={row} />
              </li>
            ))}
          </ol>
        </section>
      ) : (
        <p className="text-muted-foreground text-sm">{t(badLineCount > 0 ? "upload.noRows" : "upload.noRowsAtAll")}</p>
      )}

      <form
        className="space-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!blocked && !commit.isPending) submit();
        }}
      >
        <Field
          id={`${id}-name`}
          label={t("upload.name")}
          required
          hint={known ? t("upload.newVersion", { number: version }) : t("upload.newDataset")}
          error={parsed.success ? undefined : t("upload.badName")}
        >
          {(aria) => (
            <>
              <Input
                {...aria}
                className="sm:max-w-md"
                value={name}
                list={`${id}-names`}
                autoComplete="off"
                onChange={(event) => setName(event.target.value)}
              />
              <datalist id={`${id}-names`}>
                {datasets.data?.map((dataset) => (
                  <option key={dataset.id} value={dataset.name} />
                ))}
              </datalist>
            </>
          )}
        </Field>
        {commit.isPending ? <JobProgress title={name} /> : null}
        {commit.error ? <ProblemNotice error={commit.error} /> : null}
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary" disabled={blocked || commit.isPending}>
            {commit.isPending ? t("upload.committing") : t("upload.commit", { rows: format.number(goodRows) })}
          </Button>
          <Button onClick={onDiscard} disabled={commit.isPending}>
            {t("upload.discard")}
          </Button>
        </div>
        {badLineCount > 0 && !skip && goodRows > 0 ? (
          <p className="text-muted-foreground text-xs">{t("upload.mustDecide")}</p>
        ) : null}
        {open.length > 0 ? <p className="text-muted-foreground text-xs">{t("upload.mustDecideFields")}</p> : null}
      </form>
    </div>
  );
}
