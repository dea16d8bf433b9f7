import type { Budget } from "./budget.ts";
import { Traced } from "./traced.ts";
import { type Callable, Dict, Namespace, TemplateRefusal, text, toText, type Value } from "./values.ts";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = "January February March April May June July August September October November December".split(" ");

// Python's strftime in the C locale.
export function formatTime(format: string, now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = days[now.getDay()] as string;
  const month = months[now.getMonth()] as string;
  const hour12 = now.getHours() % 12 || 12;
  const startOfYear = new Date(now.getFullYear(), 0, 1);
  const dayOfYear =
    Math.round(
      (new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() - startOfYear.getTime()) / 86_400_000,
    ) + 1;
  const fields: Readonly<Record<string, string>> = {
    Y: String(now.getFullYear()).padStart(4, "0"),
    y: two(now.getFullYear() % 100),
    m: two(now.getMonth() + 1),
    B: month,
    b: month.slice(0, 3),
    h: month.slice(0, 3),
    d: two(now.getDate()),
    e: String(now.getDate()).padStart(2, " "),
    A: day,
    a: day.slice(0, 3),
    w: String(now.getDay()),
    u: String(now.getDay() || 7),
    j: String(dayOfYear).padStart(3, "0"),
    H: two(now.getHours()),
    I: two(hour12),
    M: two(now.getMinutes()),
    S: two(now.getSeconds()),
    p: now.getHours() < 12 ? "AM" : "PM",
    "%": "%",
    n: "\n",
    t: "\t",
  };
  const combined = format
    .replaceAll("%F", "%Y-%m-%d")
    .replaceAll("%T", "%H:%M:%S")
    .replaceAll("%D", "%m/%d/%y")
    .replaceAll("%R", "%H:%M");
  return combined.replace(/%(-?)([A-Za-z%])/g, (whole, dash: string, letter: string) => {
    const value = fields[letter];
    if (value === undefined) throw new TemplateRefusal(`strftime_now: ${whole} is not known`);
    return dash ? value.replace(/^[0 ]+(?=.)/, "") : value;
  });
}

function range(args: Value[], budget: Budget): Value {
  const numbers = args.map((arg) => {
    if (typeof arg !== "number" || !Number.isInteger(arg)) throw new TemplateRefusal("range wants whole numbers");
    return arg;
  });
  const [start, stop, step] =
    numbers.length === 1 ? [0, numbers[0] as number, 1] : [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 1];
  if (step === 0) throw new TemplateRefusal("range has the step 0");
  const count = Math.max(0, Math.ceil((stop - start) / step));
  budget.step(count);
  return Array.from({ length: count }, (_, i) => start + i * step);
}

export function globalFunctions(budget: Budget, now: Date): Record<string, Callable> {
  return {
    range: { call: (args) => range(args, budget) },
    dict: {
      call: ([base], keywords) => new Dict([...(base instanceof Dict ? base : []), ...keywords]),
    },
    namespace: {
      call: ([base], keywords) => {
        const made = new Namespace();
        if (base instanceof Dict) for (const [key, value] of base) made.fields.set(key, value);
        for (const [key, value] of keywords) made.fields.set(key, value);
        return made;
      },
    },
    raise_exception: {
      call: ([message]) => {
        throw new TemplateRefusal(message === undefined ? "the template refuses" : toText(message, budget).text);
      },
    },
    strftime_now: {
      call: ([format]) => {
        if (!(format instanceof Traced) || format.length > 1000)
          throw new TemplateRefusal("strftime_now wants a short format");
        return text(formatTime(format.text, now));
      },
    },
  };
}
