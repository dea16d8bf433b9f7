import { type PlannedTime, type RunPlan, wordsOf } from "@anneal/contracts";
import { useFormatter, useTranslations } from "next-intl";
import { useWords } from "../../../components/phrases.tsx";
import { RelativeTime, useDurations } from "../../../components/time.tsx";
import { visible } from "../../../lib/format.ts";

// How long the run will take, how sure that is, and where the time goes.
export function Times({ plan }: { plan: RunPlan }) {
  const t = useTranslations("newRun.plan");
  const format = useFormatter();
  const words = useWords();
  const { duration, seconds } = useDurations();
  const note = wordsOf(plan, "stepsNote");
  return (
    <dl className="grid grid-cols-2 gap-x-4 gap-y-2">
      <div className="col-span-2">
        <dt className="text-muted-foreground text-xs">{t("time")}</dt>
        <dd className="tabular font-semibold text-2xl tracking-tight">
          {plan.totalSeconds === null ? t("unknownTime") : `≈ ${duration(plan.totalSeconds)}`}
        </dd>
        {plan.totalSeconds === null ? <dd className="text-muted-foreground text-xs">{t("noProbe")}</dd> : null}
        {plan.time ? <Details time={plan.time} /> : null}
      </div>
      <Figure label={t("steps")} value={format.number(plan.steps)} note={note ? words(note) : null} />
      <Figure label={t("secondsPerStep")} value={plan.secondsPerStep === null ? "–" : seconds(plan.secondsPerStep)} />
      <Figure label={t("tokensPerStep")} value={format.number(Math.round(plan.tokensPerStep))} />
      <Figure label={t("trainRows")} value={format.number(plan.data.rows)} />
    </dl>
  );
}

const partNames = ["load", "before", "train", "during", "after", "files"] as const;

function Details({ time }: { time: PlannedTime }) {
  const t = useTranslations("newRun.plan");
  const { duration } = useDurations();
  const shown = partNames.filter((name) => time.parts[name] >= 0.5);
  return (
    <dd className="space-y-1 text-muted-foreground text-xs" data-testid="planned-time">
      <p className="tabular">{t("timeRange", { low: duration(time.lowSeconds), high: duration(time.highSeconds) })}</p>
      <ul className="tabular">
        {shown.map((name) => (
          <li key={name} className="flex justify-between gap-3">
            <span>{t(`timePart.${name}`)}</span>
            <span>{duration(time.parts[name])}</span>
          </li>
        ))}
      </ul>
      <p>
        {t.rich(time.source === "run" ? "timeOfRun" : "timeOfProbe", {
          run: time.runName === null ? "" : visible(time.runName),
          when: () => <RelativeTime iso={time.measuredAt} />,
        })}
        {time.busy ? ` ${t("timeBusy")}` : null}
      </p>
    </dd>
  );
}

const Figure = ({ label, value, note = null }: { label: string; value: string; note?: string | null }) => (
  <div className="min-w-0">
    <dt className="text-muted-foreground text-xs">{label}</dt>
    <dd className="tabular font-medium">{value}</dd>
    {note === null ? null : <dd className="text-muted-foreground text-xs">{note}</dd>}
  </div>
);
