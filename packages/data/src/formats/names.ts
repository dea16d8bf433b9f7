// The names under which a row's parts go in the field, best first. Case, blanks and dashes do not matter.
export const normalName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");

export const questionNames = [
  "user",
  "prompt",
  "question",
  "instruction",
  "text",
  "input",
  "query",
  "utterance",
  "sentence",
  "message",
  "问题",
  "提问",
  "用户",
  "指令",
  "输入",
  "文本",
  "题目",
];
export const answerNames = [
  "assistant",
  "completion",
  "answer",
  "response",
  "output",
  "reply",
  "答案",
  "回答",
  "回复",
  "输出",
  "助手",
];
/** Answers of a classifier's set. */
export const classNames = [
  "category",
  "label_text",
  "label_name",
  "label",
  "intent",
  "target",
  "class",
  "标签",
  "类别",
  "分类",
  "意图",
];
export const systemNames = ["system", "system_prompt", "system_message", "系统", "系统提示", "系统提示词", "系统消息"];
/** What an answer is given to read; it stands in front of the question. */
export const contextNames = [
  "context",
  "contexts",
  "text_context",
  "passage",
  "passages",
  "document",
  "documents",
  "article",
  "paragraph",
  "schema",
  "create_table_context",
  "db_schema",
  "knowledge",
  "background",
  "evidence",
  "上下文",
  "背景",
  "背景知识",
  "材料",
  "资料",
  "文档",
  "段落",
  "原文",
  "知识",
];
/** Where the APIs of reasoning models, and the sets made from them, keep the thoughts of an answer. */
export const thoughtNames = [
  "reasoning_content",
  "thinking",
  "reasoning",
  "thought",
  "thoughts",
  "chain_of_thought",
  "complex_cot",
  "cot",
  "思考",
  "思考过程",
  "思维链",
  "推理",
  "推理过程",
];
/** Whether an answer was liked. */
export const markNames = [
  "label",
  "desirable",
  "kto_tag",
  "liked",
  "like",
  "thumbs_up",
  "thumb",
  "thumbs",
  "is_good",
  "good",
  "accepted",
  "is_accepted",
  "approved",
  "preferred",
  "is_preferred",
  "helpful",
  "is_helpful",
  "is_correct",
  "correct",
  "feedback",
  "vote",
  "rating",
  "reward",
  "score",
  "点赞",
  "是否点赞",
  "是否好",
  "是否满意",
  "是否采纳",
  "是否喜欢",
  "评价",
  "标签",
];
/** A better and a worse answer. */
export const pairNames: readonly (readonly [string, string])[] = [
  ["chosen", "rejected"],
  ["accepted", "rejected"],
  ["preferred", "rejected"],
  ["preferred", "dispreferred"],
  ["better", "worse"],
  ["chosen_response", "rejected_response"],
  ["response_chosen", "response_rejected"],
  ["优选", "劣选"],
];
export const turnNames = ["conversations", "conversation", "dialog", "dialogue", "turns", "chat"];

// systemPrompt, System Prompt and system_prompt are one name.
const bare = (name: string): string => normalName(name).replaceAll("_", "");

/** The first of the keys that goes by one of the names, in the order of the names. */
export function findName(names: readonly string[], keys: readonly string[]): string | undefined {
  for (const name of names) {
    const found = keys.find((key) => bare(key) === bare(name));
    if (found !== undefined) return found;
  }
  return undefined;
}

const identifierNames = new Set(
  `id _id ids uuid guid idx index row row_number no line source url uri link created created_at updated updated_at timestamp
  date time datetime split subset dataset data_source dataset_name origin license lang language locale model model_name
  version hash md5 sha256 file filename file_name path author token_count num_tokens n_tokens num_turns tool_call_id
  parallel_tool_calls 编号 序号 来源 链接 时间 日期 语言`.split(/\s+/),
);
const bareIdentifiers = new Set([...identifierNames].map(bare));
const identifierForm =
  /^$|_(id|ids|uuid|idx|index|url|uri|hash|date|time|timestamp)$|^unnamed:_\d+$|^__index_level_\d+__$/;
/** Names of what tells rows apart and says where they come from, without being content. Takes a normal name. */
export const isIdentifierName = (name: string): boolean =>
  identifierNames.has(name) || bareIdentifiers.has(bare(name)) || identifierForm.test(name);
