// For models whose files hold no chat template. Exports carry the one that was used, so that serving renders the same.

// Where the vocabulary has <|im_start|> and <|im_end|>.
export const chatMl =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

// Elsewhere: named lines, each answer closed by the end-of-text token.
export const plainTurns =
  "{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}{% elif message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + (eos_token if eos_token is defined else '') + '\\n' }}{% elif message['role'] == 'tool' %}{{ 'Tool: ' + message['content'] + '\\n' }}{% else %}{{ 'User: ' + message['content'] + '\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";
