/** Texts that pre-tokenizers cut differently: digits, spaces, punctuation, code, many scripts. */
export const manyScripts = [
  "Hello world, it's 12345 items!  Two  spaces\n\nand\ttabs 3.14",
  "naïve café — “quoted” (x+y)=z; foo_bar->baz[42]",
  "银行卡丢了，怎么办？请在 2024 年 6 月前回复。",
  "def f(x):\n    return x**2  # comment 1000\n",
  "Ünïcödé Ελληνικά русский 日本語カタカナ 한국어 🙂🚀",
];
