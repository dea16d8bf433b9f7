import { type Log, logSink } from "@anneal/services";
import pino from "pino";

export const createLog = (level: string, name: string): Log =>
  pino({ level, name, base: { pid: process.pid }, serializers: { error: pino.stdSerializers.err } }, logSink());
