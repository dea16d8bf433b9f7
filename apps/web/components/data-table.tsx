import type { ReactNode } from "react";
import { cn } from "../lib/cn.ts";
import { Table, Td, Th, Tr } from "./ui/table.tsx";

export interface Column<T> {
  key: string;
  header: ReactNode;
  cell: (row: T) => ReactNode;
  // lead: heads the card where a table has no room; actions: stands at its right, without a label
  place?: "lead" | "actions";
  numeric?: boolean;
  className?: string;
}

// A table where there is room for one, a list of cards where there is not.
export function DataTable<T>({
  label,
  rows,
  columns,
  rowKey,
}: {
  label: string;
  rows: readonly T[];
  columns: readonly Column<T>[];
  rowKey: (row: T) => string | number;
}) {
  const lead = columns.filter(({ place }) => place === "lead");
  const actions = columns.filter(({ place }) => place === "actions");
  const rest = columns.filter(({ place }) => place === undefined);
  return (
    <>
      <div className="hidden md:block">
        <Table label={label}>
          <thead>
            <tr>
              {columns.map(({ key, header, place, numeric }) => (
                <Th key={key} className={numeric ? "text-right" : undefined}>
                  {place === "actions" ? <span className="sr-only">{header}</span> : header}
                </Th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Tr key={rowKey(row)}>
                {columns.map(({ key, cell, numeric, place, className }) => (
                  <Td
                    key={key}
                    className={cn(
                      numeric && "tabular whitespace-nowrap text-right",
                      place === "actions" && "text-right",
                      className,
                    )}
                  >
                    {cell(row)}
                  </Td>
                ))}
              </Tr>
            ))}
          </tbody>
        </Table>
      </div>
      <ul aria-label={label} className="divide-y md:hidden">
        {rows.map((row) => (
          <li key={rowKey(row)} className="space-y-2 p-3.5">
            <div className="flex items-start justify-between gap-2">
              <div className="min-w-0">
                {lead.map(({ key, cell }) => (
                  <div key={key}>{cell(row)}</div>
                ))}
              </div>
              {actions.map(({ key, cell }) => (
                <div key={key}>{cell(row)}</div>
              ))}
            </div>
            <dl className="grid grid-cols-[fit-content(40%)_1fr] gap-x-4 gap-y-1 text-xs">
              {rest.map(({ key, header, cell }) => (
                <div key={key} className="contents">
                  <dt className="text-muted-foreground">{header}</dt>
                  <dd className="tabular min-w-0">{cell(row)}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    </>
  );
}
