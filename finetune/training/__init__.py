"""LoRA training of language models on examples, with transformers, PEFT and TRL.

What is imported from here needs the extra `finetune`, but for `finetune.training.models`.
"""
