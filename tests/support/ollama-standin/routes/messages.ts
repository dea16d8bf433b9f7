import { type FieldType, goAny, goList, goString } from "../go/go-bind.ts";
import type { Json } from "../go/go-json.ts";
import type { Message } from "../template/chat-template.ts";

export const messageType: FieldType = {
  go: "api.Message",
  struct: {
    role: goString,
    content: goString,
    thinking: goString,
    images: goList(goAny, "api.ImageData"),
    tool_calls: goList(goAny, "api.ToolCall"),
    tool_name: goString,
  },
};

// Roles come in any letter case; they are kept in small letters.
export function messagesOf(value: Json): Message[] {
  if (!Array.isArray(value)) return [];
  return value.map((item) => {
    const fields = item !== null && typeof item === "object" && !Array.isArray(item) ? item : {};
    const text = (key: string) => (typeof fields[key] === "string" ? fields[key] : "");
    const message: Message = { role: text("role").toLowerCase(), content: text("content") };
    if (text("thinking")) message.thinking = text("thinking");
    if (Array.isArray(fields.tool_calls)) message.tool_calls = fields.tool_calls;
    if (text("tool_name")) message.tool_name = text("tool_name");
    return message;
  });
}
