"""Peer of tests/bench/lora.ts: LoRA steps with PyTorch + PEFT on the same weights and tokens.

Reads one JSON object on standard input's first line: model_dir, dtype, threads, rank, alpha, batches (each
{ids: B x T, labels: B x T, lengths}), and head: "supervised", where the head runs on the positions that are trained, as the
engine's does, or "all", where labels go to the model's own forward and it runs on all, as training scripts do. Then, for every
further line `step`, runs one optimizer step over all batches and prints {"seconds": s, "loss": l, "peak_rss_bytes": b}.
"""
import json
import os
import resource
import sys
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
import torch  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402


def main():
    spec = json.loads(sys.stdin.readline())
    torch.set_num_threads(spec["threads"])
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[spec["dtype"]]
    model = AutoModelForCausalLM.from_pretrained(spec["model_dir"], dtype=dtype, attn_implementation="sdpa")
    config = LoraConfig(r=spec["rank"], lora_alpha=spec["alpha"], lora_dropout=0.0, target_modules="all-linear")
    model = get_peft_model(model, config, autocast_adapter_dtype=False)
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0)
    base = model.get_base_model()
    batches = []
    for batch in spec["batches"]:
        ids = torch.tensor(batch["ids"])
        labels = torch.tensor(batch["labels"])
        mask = torch.arange(ids.shape[1])[None, :] < torch.tensor(batch["lengths"])[:, None]
        batches.append((ids, mask, labels))
    total = sum(int((labels[:, 1:] != -100).sum()) for _, _, labels in batches)

    def loss_of(ids, mask, labels):
        attention_mask = None if bool(mask.all()) else mask.long()
        if spec["head"] == "all":
            arguments = {"labels": labels, "num_items_in_batch": total}
            return model(input_ids=ids, attention_mask=attention_mask, use_cache=False, **arguments).loss
        wanted = labels[:, 1:] != -100
        hidden = base.model(input_ids=ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
        logits = base.lm_head(hidden[:, :-1][wanted]).float()
        return torch.nn.functional.cross_entropy(logits, labels[:, 1:][wanted], reduction="sum") / total

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        if line.strip() != "step":
            break
        started = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss_sum = 0.0
        for batch in batches:
            loss = loss_of(*batch)
            loss.backward()
            loss_sum += loss.item()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "loss": loss_sum, "peak_rss_bytes": peak}), flush=True)


main()
